/**
 * Why an import failed, in one line that says where: `line:column: what`. Place and text come in different ways from
 * the compiler, from Node's resolver and from code that threw while it was evaluated.
 */
import { dirname, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export function describeImportError(error: unknown, file: string): string {
  try {
    return describe(error, file)
  } catch {
    return 'it threw something when it was loaded that cannot be told'
  }
}

function describe(error: unknown, file: string): string {
  if (!(error instanceof Error)) return `it threw ${String(error)} when it was loaded`
  const message = firstLine(error.message)

  const parse = /^ParseError:\s*(?<what>.*)\n\s*(?<where>.*?):(?<place>\d+:\d+)/.exec(error.message)?.groups
  if (parse) return at(file, parse['where'] as string, parse['place'], `syntax error: ${parse['what']?.trim()}`)

  const code = (error as NodeJS.ErrnoException).code
  if (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') return message
  if (code === 'ENOENT' || code === 'EACCES') return `it cannot be read (${code})`

  const { path = file, place } = frameIn(error.stack ?? '', file) ?? {}
  if (error instanceof SyntaxError) return at(file, path, place, `syntax error: ${message}`)
  return at(file, path, place, `${error.name} when it was loaded: ${message}`)
}

function at(file: string, where: string, place: string | undefined, what: string): string {
  if (place === undefined) return what
  // A module that the implementation imports may be the one at fault.
  return where === file ? `${place}: ${what}` : `${relative(dirname(file), where)}:${place}: ${what}`
}

/** The innermost frame that lies beside the file, or below; or the line of a syntax error, which V8 puts on top. */
function frameIn(stack: string, file: string): { readonly path: string; readonly place: string } | undefined {
  for (const line of stack.split('\n')) {
    const found = /(?<path>(?:file:\/\/)?\/[^()]*?):(?<place>\d+(?::\d+)?)\)?$/.exec(line.trim())?.groups
    if (found === undefined) continue
    const { path: where = '', place = '' } = found
    const path = where.startsWith('file:') ? fileURLToPath(where) : where
    // The compiler has a head of its own before the first line.
    if (path.startsWith(dirname(file) + sep)) return { path, place: place.replace(/^1:.*/, '1') }
  }
  return undefined
}

function firstLine(text: string): string {
  return (text.split('\n')[0] as string).trim()
}
