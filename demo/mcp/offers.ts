// What the server offers: tools, prompts and resources, under the names that the conformance suite of MCP asks for. A tool
// tells of its progress, and asks its client for things, by its `call`.

/** A request of a client, while it is answered. */
export interface Call {
  /** What the client can do. */
  readonly can: Readonly<Record<string, unknown>>
  /** Aborted when the client cancels. */
  readonly signal: AbortSignal
  log(level: Level, data: unknown): Promise<unknown>
  setLevel(level: Level): object
  watch(uri: string, does: boolean): object
  progress(progress: number, total: number): Promise<unknown>
  /** A request to the client, and what it answers. */
  ask(method: string, params: object): Promise<Params>
  /** Tells all who watch a resource that it has changed. */
  changed(uri: string): Promise<unknown>
  /** Closes the connection that brings this answer, as a server does that wants to be polled; the client comes back. */
  hangUp(): void
}

export const levels = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const
export type Level = (typeof levels)[number]
// biome-ignore lint/suspicious/noExplicitAny: what clients say; what a tool makes of it is its own affair
export type Params = Record<string, any>

/** A refusal, with a code of JSON-RPC. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly code = -32602,
  ) {
    super(message)
  }
}

export const info = {
  serverInfo: { name: 'lariat', title: 'A server of express-lariat', version: '1.0.0' },
  capabilities: {
    tools: {},
    prompts: {},
    resources: { subscribe: true },
    completions: {},
    logging: {},
  },
}

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=='
const wav = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQIAAACAgA=='
const image = { type: 'image', data: png, mimeType: 'image/png' }
const says = (text: string) => ({ content: [{ type: 'text', text }] })
const embedded = (uri: string, mimeType: string, text: string) => ({
  type: 'resource',
  resource: { uri, mimeType, text },
})
const pause = () => new Promise((resolve) => setTimeout(resolve, 50))
const object = (properties: object = {}, more: object = {}) => ({ type: 'object', properties, ...more })
const string = { type: 'string' }

interface Tool {
  description: string
  inputSchema: object
  run(given: Params, call: Call): unknown
}

function tool(description: string, run: Tool['run'], inputSchema: object = object()): Tool {
  return { description, inputSchema, run }
}

/** A tool that asks the user for something. */
function asks(description: string, message: string, requestedSchema: object, inputSchema?: object): Tool {
  return tool(
    description,
    async (given, { can, ask }) => {
      if (!can.elicitation) throw new Error('The client has no elicitation')
      const asked = { message: given.message ?? message, requestedSchema }
      const { action, content } = await ask('elicitation/create', asked)
      return says(`The user's answer: action=${action}, content=${JSON.stringify(content)}`)
    },
    inputSchema,
  )
}

const options = ['option1', 'option2', 'option3']
const titled = ['value1', 'value2', 'value3'].map((value) => ({ const: value, title: `The ${value}` }))

const tools: Record<string, Tool> = {
  count: tool(
    'Counts, and tells of each number as its progress',
    async ({ to }, { progress, signal }) => {
      for (let number = 1; number <= to && !signal.aborted; number++) await progress(number, to)
      return says(`Counted to ${to}`)
    },
    object({ to: { type: 'integer', minimum: 1, maximum: 500 } }, { required: ['to'] }),
  ),
  touch: tool(
    'Changes a resource: whoever watches it is told',
    async ({ uri }, { changed }) => {
      await changed(uri)
      return says(`Touched ${uri}`)
    },
    object({ uri: string }, { required: ['uri'] }),
  ),
  test_simple_text: tool('Says something', () => says('This is a simple text response for testing.')),
  test_image_content: tool('Shows a dot', () => ({ content: [image] })),
  test_audio_content: tool('Plays two samples', () => ({
    content: [{ type: 'audio', data: wav, mimeType: 'audio/wav' }],
  })),
  test_embedded_resource: tool('Has a resource in its answer', () => ({
    content: [embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')],
  })),
  test_multiple_content_types: tool('Has everything in its answer', () => ({
    content: [
      { type: 'text', text: 'Multiple content types test:' },
      image,
      embedded('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
    ],
  })),
  test_tool_with_logging: tool('Logs while it runs', async (_given, { log }) => {
    await log('info', 'Tool execution started')
    await pause()
    await log('info', 'Tool processing data')
    await pause()
    await log('info', 'Tool execution completed')
    return says('Done, and logged')
  }),
  test_error_handling: tool('Always fails', () => {
    throw new Error('This tool intentionally returns an error for testing')
  }),
  test_tool_with_progress: tool('Tells of its progress', async (_given, { progress }) => {
    await progress(0, 100)
    await pause()
    await progress(50, 100)
    await pause()
    await progress(100, 100)
    return says('Done, with progress')
  }),
  test_sampling: tool(
    'Asks the model of the client',
    async ({ prompt }, { can, ask }) => {
      if (!can.sampling) throw new Error('The client has no sampling')
      const messages = [{ role: 'user', content: { type: 'text', text: prompt } }]
      const { content } = await ask('sampling/createMessage', { messages, maxTokens: 100 })
      return says(`LLM response: ${content?.text}`)
    },
    object({ prompt: string }, { required: ['prompt'] }),
  ),
  test_elicitation: asks(
    'Asks the user',
    'Who are you?',
    object({ username: string, email: string }, { required: ['username', 'email'] }),
    object({ message: string }, { required: ['message'] }),
  ),
  test_elicitation_sep1034_defaults: asks(
    'Asks the user, with defaults',
    'Check these',
    object({
      name: { ...string, default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { ...string, enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    }),
  ),
  test_elicitation_sep1330_enums: asks(
    'Asks the user to choose',
    'Choose',
    object({
      untitledSingle: { ...string, enum: options },
      titledSingle: { ...string, oneOf: titled },
      legacyEnum: {
        ...string,
        enum: ['opt1', 'opt2', 'opt3'],
        enumNames: ['Option One', 'Option Two', 'Option Three'],
      },
      untitledMulti: { type: 'array', items: { ...string, enum: options } },
      titledMulti: { type: 'array', items: { anyOf: titled } },
    }),
  ),
  test_reconnection: tool('Hangs up in the middle, and goes on', async (_given, { hangUp }) => {
    await pause()
    hangUp()
    await pause()
    return says('Said after the client came back')
  }),
  json_schema_2020_12_tool: tool(
    'Has a schema of JSON Schema 2020-12',
    ({ name }) => says(`Hello, ${name}`),
    object(
      { name: string, address: { $ref: '#/$defs/address' } },
      {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        $defs: { address: object({ street: string, city: string }) },
        additionalProperties: false,
      },
    ),
  ),
}

const user = (content: object) => ({ role: 'user', content })
const text = (content: string) => user({ type: 'text', text: content })
const needs = (...names: string[]) => names.map((name) => ({ name, required: true }))

const prompts: Record<
  string,
  { description: string; arguments?: object[]; messages(given: Params): object[] }
> = {
  test_simple_prompt: {
    description: 'A simple prompt',
    messages: () => [text('This is a simple prompt for testing.')],
  },
  test_prompt_with_arguments: {
    description: 'A prompt with arguments',
    arguments: needs('arg1', 'arg2'),
    messages: ({ arg1, arg2 }) => [text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)],
  },
  test_prompt_with_embedded_resource: {
    description: 'A prompt with a resource in it',
    arguments: needs('resourceUri'),
    messages: ({ resourceUri }) => [
      user(embedded(resourceUri, 'text/plain', 'Embedded resource content for testing.')),
      text('Please process the embedded resource above.'),
    ],
  },
  test_prompt_with_image: {
    description: 'A prompt with an image',
    messages: () => [user(image), text('Please analyze the image above.')],
  },
}

const resources = [
  { uri: 'test://static-text', name: 'Text', description: 'A text', mimeType: 'text/plain' },
  { uri: 'test://static-binary', name: 'Dot', description: 'An image', mimeType: 'image/png' },
  { uri: 'test://watched-resource', name: 'Watched', description: 'One to watch', mimeType: 'text/plain' },
]
const template = { uriTemplate: 'test://template/{id}/data', name: 'Data', mimeType: 'application/json' }

function read(uri: string): object {
  const known = resources.find((resource) => resource.uri === uri)
  const mimeType = known?.mimeType ?? template.mimeType
  if (known) {
    if (mimeType === 'image/png') return { uri, mimeType, blob: png }
    return { uri, mimeType, text: `This is the content of ${uri}.` }
  }
  const [, id] = /^test:\/\/template\/([^/]+)\/data$/.exec(uri) ?? []
  if (id === undefined) throw new Refusal(`Resource not found: ${uri}`, -32002)
  return { uri, mimeType, text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) }
}

function named<Of>(kind: string, all: Record<string, Of>, name: string): Of {
  if (!Object.hasOwn(all, name)) throw new Refusal(`Unknown ${kind}: ${name}`)
  return all[name] as Of
}

const listed = (all: Record<string, object>) =>
  Object.entries(all).map(([name, { run, messages, ...rest }]: [string, Params]) => ({ name, ...rest }))

async function callTool({ name, arguments: given = {} }: Params, call: Call): Promise<unknown> {
  const { run } = named('tool', tools, name)
  try {
    return await run(given, call)
  } catch (error) {
    return { isError: true, ...says(error instanceof Error ? error.message : String(error)) }
  }
}

/** The methods of MCP, by name. */
export const methods = new Map<string, (params: Params, call: Call) => unknown>([
  ['ping', () => ({})],
  ['tools/list', () => ({ tools: listed(tools) })],
  ['tools/call', callTool],
  ['prompts/list', () => ({ prompts: listed(prompts) })],
  [
    'prompts/get',
    ({ name, arguments: given = {} }) => ({ messages: named('prompt', prompts, name).messages(given) }),
  ],
  ['resources/list', () => ({ resources })],
  ['resources/templates/list', () => ({ resourceTemplates: [template] })],
  ['resources/read', ({ uri }) => ({ contents: [read(uri)] })],
  ['resources/subscribe', ({ uri }, { watch }) => watch(uri, true)],
  ['resources/unsubscribe', ({ uri }, { watch }) => watch(uri, false)],
  ['completion/complete', () => ({ completion: { values: [], total: 0, hasMore: false } })],
  [
    'logging/setLevel',
    ({ level }, call) => {
      if (!levels.includes(level)) throw new Refusal(`Unknown level: ${level}`)
      return call.setLevel(level)
    },
  ],
])
