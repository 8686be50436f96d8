// Builds the package: `dist/esm` for `import`, `dist/cjs` for `require()`. The types are those of `dist/cjs` for both,
// so that a value of one build is accepted where the other is expected.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'

const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  exports: Record<string, string | { import: { default: string } }>
}

rmSync('dist', { recursive: true, force: true })
const builds = ['tsconfig.build.json', 'tsconfig.build.cjs.json'].map(async (project) => {
  const tsc = spawn(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project], {
    stdio: 'inherit',
  })
  const [code] = await once(tsc, 'exit')
  return code === 0
})
const isBuilt = (await Promise.all(builds)).every(Boolean)
process.exitCode = isBuilt ? 0 : 1

if (isBuilt) {
  writeFileSync('dist/cjs/package.json', `${JSON.stringify({ type: 'commonjs', sideEffects: false })}\n`)
  for (const door of Object.values(exports)) {
    if (typeof door === 'string') continue
    const module = door.import.default.replace('./dist/esm/', '')
    const up = '../'.repeat(module.split('/').length)
    writeFileSync(`dist/esm/${module.replace(/\.js$/, '.d.ts')}`, `export * from '${up}cjs/${module}'\n`)
  }
}
