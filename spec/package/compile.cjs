// Compiles projects, one after the other, with one reading of what they have in common: `compile.cjs typescript.js *.json`.
const [api, ...configs] = process.argv.slice(2)
const ts = require(api)

const read = new Map()
for (const config of configs) {
  const { config: json } = ts.readConfigFile(config, ts.sys.readFile)
  const { options, fileNames } = ts.parseJsonConfigFileContent(json, ts.sys, process.cwd())
  const host = ts.createCompilerHost(options)
  const { getSourceFile } = host
  host.getSourceFile = (name, how, ...more) => {
    const key = `${name} ${how.impliedNodeFormat}`
    const isTheirs = /node_modules/.test(name)
    const known = isTheirs ? read.get(key) : undefined
    const file = known ?? getSourceFile.call(host, name, how, ...more)
    if (isTheirs) read.set(key, file)
    return file
  }
  const program = ts.createProgram(fileNames, options, host)
  const { diagnostics } = program.emit()
  const all = [...ts.getPreEmitDiagnostics(program), ...diagnostics]
  if (all.length > 0) console.log(`${config}: ${ts.formatDiagnostics(all, host)}`)
}
