import type { Router } from 'express'
import type { Endpoint } from '../../lib/index.js'
import { type Inspector, type InspectorOptions, inspector } from '../../lib/inspector.js'
import { currentExpress } from '../support/http.js'
import type { Ask, Client, Message } from '../support/raw.js'
import { type ServeOptions, type Site, stage, turns } from '../support/stage.js'

// biome-ignore lint/suspicious/noExplicitAny: a view as a client reads it
export type Json = any

/** The inspectors of the test that runs. */
const open: Inspector[] = []

/** Said in a suite: what is inspected in its tests is let go after each. */
export function inspecting(): void {
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()))
  })
}

export interface SceneOptions extends Partial<InspectorOptions> {
  /** Where it is mounted. */
  readonly at?: string
  readonly serve?: ServeOptions
}

/** An app with endpoints, and an inspector of them. */
export class Scene {
  readonly inspector: Inspector
  readonly site: Site
  readonly at: string

  private constructor(inspector: Inspector, site: Site, at: string) {
    this.inspector = inspector
    this.site = site
    this.at = at
  }

  static async of(
    of: Endpoint,
    { at = '/inspector', serve = {}, ...options }: SceneOptions = {},
  ): Promise<Scene> {
    const made = inspector({ of, ...options } as InspectorOptions)
    open.push(made)
    const router: Router = currentExpress().Router()
    router.use(at, made)
    router.use(of)
    return new Scene(made, await stage.now.serve(router, serve), at.replace(/\/$/, ''))
  }

  /** Asks the inspector, and waits for the whole answer. */
  async ask(path: string, ask: Ask = {}): Promise<Message> {
    const client = this.site.get(`${this.at}/${path}`, ask)
    const message = await client.whole()
    client.leave()
    return message
  }

  /** A view as it is now. */
  async view(query: string): Promise<Json> {
    const { status, body } = await this.ask(`feed?${query}`, { headers: { Accept: 'application/json' } })
    if (status !== 200) throw new Error(`${status} ${body}`)
    return JSON.parse(body)
  }

  async rows(query: string): Promise<Json[]> {
    return (await this.view(query)).rows
  }

  /** A feed of it. */
  watch(path: string): Watch {
    return new Watch(this.site.get(`${this.at}/${path}`, { headers: { Accept: 'text/event-stream' } }))
  }

  /** Asks the app for a stream, and waits until it is open. */
  async stream(path: string, ask: Ask & { reads?: boolean } = {}): Promise<Client> {
    const client = this.site.get(path, ask)
    await client.head()
    return client
  }
}

/** A feed of an inspector, and what it has told. */
export class Watch {
  readonly client: Client

  constructor(client: Client) {
    this.client = client
  }

  /** The data of its events. */
  get told(): Json[] {
    return [...this.client.body.matchAll(/^data: (.*)$/gm)].map(([, text = '']) => JSON.parse(text))
  }

  /** Waits for so many events, and returns the last of them. */
  async next(count: number): Promise<Json> {
    await this.client.head()
    for (let tries = 0; this.told.length < count; tries++) {
      if (tries > 2000) throw new Error(`No ${count} events came, but ${this.client.body.slice(0, 500)}`)
      await turns(1)
    }
    return this.told[count - 1]
  }
}

/** Lets the time pass that a feed takes to be told anew. */
export async function pass(milliseconds = 250): Promise<void> {
  await turns()
  stage.now.time.advance(milliseconds)
  await turns()
}
