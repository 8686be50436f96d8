import cluster from 'node:cluster'
import { expect } from 'chai'
import { resources, sse } from '../../lib/index.js'
import { staged } from '../support/stage.js'
import { inspecting, Scene } from './scene.js'

describe('An inspector in one of several processes shows its own, and says so', () => {
  inspecting()
  staged()

  const said = async () => {
    const scene = await Scene.of(
      resources({ '/news': { contentTypesProvided: [sse()], subscribe: () => {} } }),
    )
    return (await scene.view('view=overview')).about.processes
  }

  for (const [title, env, processes] of [
    ['pm2 with one instance', { NODE_APP_INSTANCE: '0', instances: '1' }, 'one'],
    ['pm2 with several', { NODE_APP_INSTANCE: '0', instances: '4' }, 'several'],
    ['the second instance of any', { NODE_APP_INSTANCE: '1' }, 'several'],
    ['an app that says so', { LARIAT_PROCESSES: '2' }, 'several'],
    ['what is no number', { LARIAT_PROCESSES: 'many', instances: 'max' }, 'one'],
  ] as const)
    it(`under ${title}: ${processes}`, async () => {
      const before = { ...process.env }
      Object.assign(process.env, env)
      try {
        expect(await said()).to.equal(processes)
      } finally {
        for (const name of Object.keys(env)) delete process.env[name]
        Object.assign(process.env, before)
      }
    })

  it('in a worker of node:cluster: several', async () => {
    Object.defineProperty(cluster, 'isWorker', { value: true, configurable: true, writable: true })
    try {
      expect(await said()).to.equal('several')
    } finally {
      Object.defineProperty(cluster, 'isWorker', { value: false, configurable: true, writable: true })
    }
  })
})
