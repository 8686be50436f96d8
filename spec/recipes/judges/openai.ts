import assert from 'node:assert/strict'
import type { Judgement } from './judgement.js'

/** The software that judges, of some version. */
export interface Packages {
  openai: typeof import('openai')
  ai: typeof import('ai')
  '@ai-sdk/openai': typeof import('@ai-sdk/openai')
  '@ai-sdk/openai-compatible': typeof import('@ai-sdk/openai-compatible')
}

const messages = [{ role: 'user' as const, content: 'Hold on to' }]
const ofThree = { model: 'rope-1', messages, max_tokens: 3 }
const inputOfThree = { model: 'rope-1', input: 'Hold on to', max_output_tokens: 3 }

const wordsOf = (text: string | null | undefined) => (text ?? '').trim().split(/\s+/).length

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = []
  for await (const item of items) list.push(item)
  return list
}

/** What a client is told when it fails. */
async function failureOf(failing: PromiseLike<unknown>): Promise<Record<string, unknown>> {
  try {
    await failing
  } catch (error) {
    return error as Record<string, unknown>
  }
  throw new Error('It did not fail')
}

export function judgements(packages: Packages, url: string, first: number): Judgement[] {
  const { OpenAI } = packages.openai
  const { streamText, generateText } = packages.ai
  const at = { baseURL: `${url}/v1`, apiKey: 'any' }
  const client = new OpenAI({ ...at, maxRetries: 0 })
  const compatible = packages['@ai-sdk/openai-compatible'].createOpenAICompatible({
    ...{ ...at, name: 'ropes', includeUsage: true },
  })
  const provider = packages['@ai-sdk/openai'].createOpenAI(at)
  const models = {
    '@ai-sdk/openai-compatible': (id: string) => compatible.chatModel(id),
    '@ai-sdk/openai, Chat Completions': (id: string) => provider.chat(id),
    '@ai-sdk/openai, Responses': (id: string) => provider.responses(id),
  }

  const ofClient: Judgement[] = [
    {
      name: 'chat.completions.create: a whole answer, with its usage',
      async run() {
        const { choices, usage, object, model } = await client.chat.completions.create(ofThree)
        assert.deepEqual({ object, model }, { object: 'chat.completion', model: 'rope-1' })
        assert.equal(choices[0]?.finish_reason, 'length')
        assert.equal(choices[0]?.message.role, 'assistant')
        assert.equal(wordsOf(choices[0]?.message.content), 3)
        assert.deepEqual(usage, { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 })
      },
    },
    {
      name: 'chat.completions.create: an answer that is over by itself says stop',
      async run() {
        const { choices } = await client.chat.completions.create({ model: 'rope-1', messages })
        assert.equal(choices[0]?.finish_reason, 'stop')
        assert.equal(wordsOf(choices[0]?.message.content), 16)
      },
    },
    {
      name: 'chat.completions.create: a stream of chunks, without a usage that was not asked for',
      async run() {
        const chunks = await all(await client.chat.completions.create({ ...ofThree, stream: true }))
        const deltas = chunks.map(({ choices }) => choices[0]!.delta)
        assert.deepEqual(
          deltas.map(({ role }) => role),
          ['assistant', undefined, undefined, undefined],
        )
        assert.equal(wordsOf(deltas.map(({ content }) => content ?? '').join('')), 3)
        assert.deepEqual(
          chunks.map(({ choices }) => choices[0]!.finish_reason),
          [null, null, null, 'length'],
        )
        assert.equal(new Set(chunks.map(({ id }) => id)).size, 1)
        assert.ok(chunks.every((chunk) => !('usage' in chunk)))
      },
    },
    {
      name: 'chat.completions.create: stream_options.include_usage puts the usage last',
      async run() {
        const asked = { ...ofThree, stream: true as const, stream_options: { include_usage: true } }
        const chunks = await all(await client.chat.completions.create(asked))
        const last = chunks.pop()
        assert.deepEqual(last?.choices, [])
        assert.deepEqual(last?.usage, { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 })
        assert.ok(chunks.every(({ usage }) => usage === null))
      },
    },
    {
      name: 'chat.completions.stream: the helper has the content, the message and the usage',
      async run() {
        const stream = client.chat.completions.stream({ ...ofThree, stream_options: { include_usage: true } })
        let heard = ''
        stream.on('content', (delta) => {
          heard += delta
        })
        const { choices } = await stream.finalChatCompletion()
        assert.equal(choices[0]?.message.content, heard)
        assert.equal(wordsOf(heard), 3)
        assert.equal((await stream.totalUsage()).total_tokens, 6)
      },
    },
    {
      name: 'chat.completions.create: content may be a list of parts',
      async run() {
        const content = [{ type: 'text' as const, text: 'Throw the' }]
        const asked = { ...ofThree, messages: [{ role: 'user' as const, content }] }
        assert.equal((await client.chat.completions.create(asked)).usage?.prompt_tokens, 2)
      },
    },
    {
      name: 'chat.completions.create: a stream ends with [DONE], which its client takes away',
      async run() {
        const answer = await client.chat.completions.create({ ...ofThree, stream: true }).asResponse()
        assert.match(await answer.text(), /"finish_reason":"length"\}\]\}\n\ndata: \[DONE\]\n\n$/)
      },
    },
    {
      name: 'responses.create: a whole answer, with its usage',
      async run() {
        const response = await client.responses.create(inputOfThree)
        assert.equal(wordsOf(response.output_text), 3)
        assert.equal(response.status, 'incomplete')
        assert.deepEqual(response.incomplete_details, { reason: 'max_output_tokens' })
        const { input_tokens, output_tokens, total_tokens } = response.usage!
        assert.deepEqual([input_tokens, output_tokens, total_tokens], [3, 3, 6])
      },
    },
    {
      name: 'responses.create: a stream of events, numbered, which ends with the response',
      async run() {
        const events = await all(
          await client.responses.create({ model: 'rope-1', input: 'Hold on to', stream: true }),
        )
        const types = events.map(({ type }) => type)
        assert.deepEqual(types.splice(4, 16), Array(16).fill('response.output_text.delta'))
        assert.deepEqual(
          types.map((type) => type.replace('response.', '')),
          [
            ...['created', 'in_progress', 'output_item.added', 'content_part.added'],
            ...['output_text.done', 'content_part.done', 'output_item.done', 'completed'],
          ],
        )
        assert.deepEqual(
          events.map(({ sequence_number }) => sequence_number),
          events.map((_, index) => index),
        )
        const last = events.at(-1)
        assert.ok(last?.type === 'response.completed')
        assert.equal(last.response.usage?.output_tokens, 16)
      },
    },
    {
      name: 'responses.stream: the helper has the text and the response',
      async run() {
        const stream = client.responses.stream({ model: 'rope-1', input: 'Hold on to' })
        let heard = ''
        stream.on('response.output_text.delta', ({ delta }) => {
          heard += delta
        })
        const { output_text, status } = await stream.finalResponse()
        assert.equal(output_text, heard)
        assert.deepEqual([wordsOf(heard), status], [16, 'completed'])
      },
    },
    {
      name: 'models.list',
      async run() {
        assert.ok((await all(await client.models.list())).some(({ id }) => id === 'rope-1'))
      },
    },
    {
      name: 'what it refuses is an error of its class, with type, param and code',
      async run() {
        const refused: readonly [() => PromiseLike<unknown>, Record<string, unknown>][] = [
          [
            () => client.chat.completions.create({ ...ofThree, model: 'rope-9' }),
            { name: 'NotFoundError', status: 404, param: 'model', code: 'model_not_found' },
          ],
          [
            () => client.chat.completions.create({ ...ofThree, messages: [], stream: true }),
            { name: 'BadRequestError', status: 400, param: 'messages', code: 'invalid_value' },
          ],
          [
            () => client.responses.create({ model: 'rope-1', stream: true }),
            { name: 'BadRequestError', status: 400, param: 'input', code: 'invalid_value' },
          ],
          [
            () => client.responses.create({ ...inputOfThree, max_output_tokens: 0 }),
            { name: 'BadRequestError', status: 400, param: 'max_tokens', code: 'invalid_value' },
          ],
          // the application has no such address
          [
            () => client.embeddings.create({ model: 'rope-1', input: 'a' }),
            { name: 'NotFoundError', status: 404 },
          ],
          // what the library refuses
          [() => client.get('/chat/completions'), { name: 'APIError', status: 405 }],
          [
            () => client.post('/responses', { body: '{', headers: { 'Content-Type': 'application/json' } }),
            { name: 'BadRequestError', status: 400 },
          ],
          [
            () => client.responses.create({ model: 'rope-1', input: 'a'.repeat(2 ** 20) }),
            { name: 'APIError', status: 413 },
          ],
        ]
        for (const [failing, expected] of refused) {
          const error = await failureOf(failing())
          const all = { param: null, code: null, type: 'invalid_request_error', ...expected }
          const { name, status, param, code, type } = { ...error, name: error.constructor.name } as never
          assert.deepEqual({ name, status, param, code, type }, { ...all }, String(error))
        }
      },
    },
    {
      name: 'a model that fails before its first token is a status, for a stream too',
      async run() {
        for (const failing of [
          () => client.chat.completions.create({ ...ofThree, model: 'busy-rope-1' }),
          () => client.chat.completions.create({ ...ofThree, model: 'busy-rope-1', stream: true }),
          () => client.responses.create({ ...inputOfThree, model: 'busy-rope-1', stream: true }),
        ]) {
          const error = await failureOf(failing())
          assert.equal(error.constructor.name, 'InternalServerError')
          const { status, type, code, message } = error
          assert.deepEqual([status, type, code], [503, 'server_error', 'overloaded'])
          assert.equal(message, '503 All ropes are in use.')
        }
      },
    },
    {
      name: 'a model that fails in mid-stream is an APIError, after what it had said',
      async run() {
        const limits = { model: 'frayed-rope-1', stream: true } as const
        const streams = [
          await client.chat.completions.create({ messages, ...limits }),
          await client.responses.create({ input: 'Hold on to', ...limits }),
        ]
        for (const stream of streams) {
          let count = 0
          const reading = (async () => {
            for await (const piece of stream as AsyncIterable<{ type?: string }>)
              if (piece.type === undefined || piece.type === 'response.output_text.delta') count++
          })()
          const error = await failureOf(reading)
          assert.ok(error instanceof packages.openai.APIError, String(error))
          assert.deepEqual([error.type, error.code, error.param], ['server_error', 'broken', null])
          assert.match(error.message, /The rope broke/)
          assert.equal(count, 3)
        }
      },
    },
    {
      name: 'a model that fails in mid-stream is told by the helpers, too',
      async run() {
        const chat = client.chat.completions.stream({ messages, model: 'frayed-rope-1' })
        assert.match(String((await failureOf(chat.finalContent())).message), /The rope broke/)
        const responding = client.responses.stream({ input: 'Hold on to', model: 'frayed-rope-1' })
        assert.match(String((await failureOf(responding.finalResponse())).message), /The rope broke/)
      },
    },
    {
      name: 'a stream that is aborted stops the model',
      stops: [first, first + 1, first + 2],
      async run() {
        const { completions } = client.chat
        const aborted = await completions.create({ ...ofThree, max_tokens: first, stream: true })
        for await (const _ of aborted) aborted.controller.abort()
        const left = await completions.create({ ...ofThree, max_tokens: first + 1, stream: true })
        for await (const _ of left) break
        const events = await client.responses.create({
          ...inputOfThree,
          max_output_tokens: first + 2,
          stream: true,
        })
        for await (const { type } of events) if (type === 'response.output_text.delta') break
      },
    },
    {
      name: 'a whole answer that is aborted stops the model',
      stops: [first + 3],
      async run() {
        const leaving = new AbortController()
        const { signal } = leaving
        const asked = { ...ofThree, max_tokens: first + 3 }
        const failing = failureOf(client.chat.completions.create(asked, { signal }))
        // it is begun when one that was asked after it has said all
        await client.chat.completions.create(ofThree)
        leaving.abort()
        const error = await failing
        assert.ok(error instanceof packages.openai.APIUserAbortError, String(error))
      },
    },
  ]

  const ofModels = Object.entries(models).flatMap(([name, model], index): Judgement[] => {
    const asked = { prompt: 'Hold on to', maxRetries: 0, onError() {} }
    const limited = first + 10 + index
    return [
      {
        name: `streamText over ${name}: text, finish and usage`,
        async run() {
          const result = streamText({ ...asked, model: model('rope-1') })
          const parts = await all(result.fullStream)
          const text = parts.flatMap((part) => (part.type === 'text-delta' ? [part.text] : []))
          assert.equal(wordsOf(text.join('')), 16)
          assert.equal(await result.text, text.join(''))
          assert.equal(await result.finishReason, 'stop')
          const { inputTokens, outputTokens, totalTokens } = await result.usage
          assert.deepEqual([inputTokens, outputTokens, totalTokens], [3, 16, 19])
        },
      },
      {
        name: `generateText over ${name}: text, finish and usage`,
        async run() {
          const answer = await generateText({
            prompt: 'Hold on to',
            model: model('rope-1'),
            maxOutputTokens: 3,
          })
          assert.equal(wordsOf(answer.text), 3)
          assert.equal(answer.finishReason, 'length')
          assert.equal(answer.usage.totalTokens, 6)
        },
      },
      {
        name: `streamText over ${name}: an error in mid-stream follows what had been said`,
        async run() {
          const result = streamText({ ...asked, model: model('frayed-rope-1') })
          const parts = await all(result.fullStream)
          const types = parts
            .map(({ type }) => type)
            .filter((type) => /^text-delta|^error|^finish$/.test(type))
          assert.deepEqual(types.slice(0, 3), ['text-delta', 'text-delta', 'text-delta'])
          assert.equal(types[3], 'error')
          const failed = parts.find((part) => part.type === 'error')
          const said = failed?.error
          assert.match(said instanceof Error ? said.message : JSON.stringify(said), /The rope broke/)
          assert.ok(!types.includes('finish') || (await result.finishReason) === 'error')
        },
      },
      {
        name: `streamText over ${name}: an error before the first token is an APICallError with its status`,
        async run() {
          const parts = await all(streamText({ ...asked, model: model('busy-rope-1') }).fullStream)
          const error = parts.find((part) => part.type === 'error')?.error
          assert.ok(packages.ai.APICallError.isInstance(error), String(error))
          assert.deepEqual([error.statusCode, error.isRetryable], [503, true])
          assert.equal(error.message, 'All ropes are in use.')
        },
      },
      {
        name: `streamText over ${name}: an abort stops the model`,
        stops: [limited],
        async run() {
          const stopping = new AbortController()
          const types: string[] = []
          const { signal: abortSignal } = stopping
          const result = streamText({
            ...asked,
            model: model('rope-1'),
            abortSignal,
            maxOutputTokens: limited,
          })
          for await (const { type } of result.fullStream) {
            types.push(type)
            if (type === 'text-delta') stopping.abort()
          }
          assert.equal(types.at(-1), 'abort')
        },
      },
    ]
  })
  return [...ofClient, ...ofModels]
}
