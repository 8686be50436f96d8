// READ THIS FIRST: lists the states in the life of a held response, and the turns between them.

/**
 * - `asking`: `subscribe` was called and has not answered
 * - `checking`: `subscribe` has answered; are the targets that it monitors alive?
 * - `open`: messages flow. The head is out; an early write sends it in `asking` or `checking`
 * - `left`: the stream has ended; `subscribe` has not answered yet, and its answer must be closed
 * - `ended`: unsubscribed and terminated
 */
export type State = 'asking' | 'checking' | 'open' | 'left' | 'ended'

/**
 * - `answered`: `subscribe` has answered, and the stream follows its feed
 * - `known`: the monitored targets are alive
 * - `over`: any reason to end
 * - `failed`: `subscribe` threw, rejected, or did not answer in time
 */
export type Turn = 'answered' | 'known' | 'over' | 'failed'

/**
 * Where each turn leads. A turn that a state does not list does not change the state. A late answer of `subscribe` is
 * closed in any case. The response has phases of its own (waiting → flowing ⇄ behind → ending → over): see
 * wire/writer.ts.
 */
export const life: Readonly<Record<State, Partial<Record<Turn, State>>>> = {
  asking: { answered: 'checking', over: 'left', failed: 'ended' },
  checking: { known: 'open', over: 'ended' },
  open: { over: 'ended' },
  left: { answered: 'ended', failed: 'ended' },
  ended: {},
}
