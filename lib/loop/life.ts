// READ THIS FIRST: the life of a held response, its states and the turn that leads from one to the next.

/**
 * - `asking`: `subscribe` was called, and has not answered
 * - `checking`: it has answered; are the targets that it monitors alive?
 * - `open`: the head is out, messages flow
 * - `left`: the stream is over for its client; `subscribe` is still to answer, so that its answer can be closed
 * - `ended`: unsubscribed and terminated
 */
export type State = 'asking' | 'checking' | 'open' | 'left' | 'ended'

/**
 * - `answered`: `subscribe` has answered, and its feed is followed
 * - `known`: the monitored targets are alive
 * - `over`: any reason to end
 * - `failed`: `subscribe` threw, rejected, or did not answer in time
 */
export type Turn = 'answered' | 'known' | 'over' | 'failed'

/**
 * Where each turn leads; in a state without a turn, nothing happens. Whether the head is out is a matter of the
 * response (waiting → flowing ⇄ behind → ending → over), see wire/writer.ts.
 */
export const life: Readonly<Record<State, Partial<Record<Turn, State>>>> = {
  asking: { answered: 'checking', over: 'left', failed: 'ended' },
  checking: { known: 'open', over: 'ended' },
  open: { over: 'ended' },
  left: { answered: 'ended', failed: 'ended' },
  ended: {},
}
