import { createHook } from 'node:async_hooks'
import { expect } from 'chai'
import { scopeOfNow } from '../lib/scope.js'

describe('A scope', () => {
  it('Says that it keeps no process alive, from its first moment on, to those who look for what does', () => {
    // as --detectOpenHandles does of Jest, which takes what has no hasRef() for something that does
    const held: unknown[] = []
    const hook = createHook({
      init(_id, type, _trigger, resource) {
        if (type === 'LARIAT') held.push((resource as { hasRef?: () => boolean }).hasRef?.())
      },
    }).enable()
    scopeOfNow()
    hook.disable()
    expect(held).to.eql([false])
  })
})
