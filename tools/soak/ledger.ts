/** What is counted, and what must not be. */
export class Ledger {
  requests = 0
  events = 0
  gaps = 0
  /** Streams that are open, as the clients see it. */
  open = 0
  /** Acts of each kind. */
  readonly acts: Record<string, number> = {}
  readonly statuses: Record<string, number> = {}
  readonly violations: string[] = []
  readonly #told: (violation: string) => void

  constructor(told: (violation: string) => void) {
    this.#told = told
  }

  act(name: string): void {
    this.acts[name] = (this.acts[name] ?? 0) + 1
  }

  answered(status: number): void {
    const kind = `${Math.floor(status / 100)}xx`
    this.statuses[kind] = (this.statuses[kind] ?? 0) + 1
  }

  violation(what: string): void {
    this.violations.push(what)
    if (this.violations.length <= 50) this.#told(what)
  }

  /** What an error's answer must not have. */
  inspect(status: number, body: string, what: string): void {
    if (status >= 400 && /\n\s+at |node_modules|\.[jt]s:\d/.test(body)) {
      this.violation(`a stack in the body: ${what}: ${body.slice(0, 300)}`)
    }
  }
}
