import Mocha from 'mocha'

/** Mocha's spec reporter, closed by one plain line that tells the counts. */
// biome-ignore lint/style/noDefaultExport: how mocha finds a reporter
export default class extends Mocha.reporters.Spec {
  override epilogue() {
    super.epilogue()
    const { passes, failures, pending } = this.stats
    console.log(`${passes} passed, ${failures} failed${pending > 0 ? `, ${pending} skipped` : ''}`)
  }
}
