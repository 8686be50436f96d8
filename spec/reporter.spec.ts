import { expect } from 'chai'
import { closing, corrected, mayBeUnsteady, nothing, type Report } from './support/reporter.js'

describe('The report of all specs (CONTRIBUTING.md)', () => {
  const report: Report = {
    ...nothing,
    passes: 90,
    failures: 2,
    pending: 3,
    failed: ['The page is slow\nError: Timeout', 'The page is slower\nError: Timeout'],
    files: { 'spec/page.spec.ts': { passes: 8, failures: 2, pending: 1 } },
  }
  const counts = Object.values(report.files!)

  it('names what failed beside other specs and passes alone, and does not count it as failed', () => {
    expect(mayBeUnsteady(report)).to.equal(true)
    const steady = corrected(report, counts, { ...nothing, passes: 10, pending: 1 })
    expect(steady).to.include({ passes: 92, failures: 0, pending: 3 })
    const lines = closing(steady).split('\n')
    expect(lines.at(-1)).to.equal('92 passed, 0 failed, 3 skipped')
    expect(lines.filter((line) => /slow/.test(line))).to.deep.equal([
      '  The page is slow',
      '  The page is slower',
    ])
    expect(lines.join('\n'))
      .to.match(/Unsteady/)
      .and.not.match(/What failed/)
  })

  it('counts what fails alone too', () => {
    const again = { ...nothing, passes: 9, failures: 1, pending: 1, failed: ['The page is slower\nError'] }
    const failed = corrected(report, counts, again)
    expect(failed).to.include({ passes: 91, failures: 1, pending: 3 })
    expect(closing(failed))
      .to.match(/What failed\n {2}The page is slower/)
      .and.not.match(/Unsteady/)
  })

  it('takes nothing for unsteady that a property has found, or a process died of, or where very much fails', () => {
    const found = { ...report, failed: ['It holds\nError: Property failed after 3 tests', 'Another\nError'] }
    const died = { ...report, failures: 3 }
    const much = { ...report, failures: 30, failed: Array.from({ length: 30 }, () => 'One\nError') }
    for (const each of [found, died, much, nothing]) expect(mayBeUnsteady(each)).to.equal(false)
  })
})
