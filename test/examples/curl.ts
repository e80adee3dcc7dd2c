/** Understands a curl command as documents write it, so that examples run also where there is no curl. */

export interface HttpRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

const IGNORED = new Set(['-s', '-S', '-sS', '-i', '-si', '-sSi', '-v', '-N', '-sN', '--silent', '--include'])

/** @throws {Error} for anything that is not understood: an example is never run as something else. */
export function parseCurl(command: string): HttpRequest {
  const [program, ...words] = shellWords(command)
  if (program !== 'curl') throw new Error(`not a curl command: ${command}`)
  let method: string | undefined
  let url: string | undefined
  let body: string | undefined
  const headers: Record<string, string> = {}
  const header = (line: string) => {
    const [, name, value] = /^([^:]+):\s*(.*)$/.exec(line) ?? []
    if (name === undefined || value === undefined) throw new Error(`not a header: ${line}`)
    headers[name.toLowerCase()] = value
  }
  while (words.length > 0) {
    const word = words.shift() as string
    const value = () => words.shift() ?? raise(`${word} wants a value: ${command}`)
    if (IGNORED.has(word)) continue
    if (word === '-X' || word === '--request') method = value()
    else if (word === '-H' || word === '--header') header(value())
    else if (word === '--json') {
      body = value()
      header('content-type: application/json')
      header('accept: application/json')
    } else if (word === '-d' || word === '--data') {
      body = value()
      headers['content-type'] ??= 'application/x-www-form-urlencoded'
    } else if (word.startsWith('-') || url !== undefined) raise(`${word} is not understood: ${command}`)
    else url = word.includes('://') ? word : `http://${word}`
  }
  return {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    url: url ?? raise(`no URL: ${command}`),
    headers,
    body,
  }
}

/** Splits as a shell does: spaces, quotes, backslashes; no variables and nothing that runs. */
function shellWords(command: string): string[] {
  const words: string[] = []
  const part = /\s+|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\$`|;&<>]+)|(.)/gy
  let word: string | undefined
  for (const [space, single, double, escaped, plain, other] of command.matchAll(part)) {
    if (other !== undefined) raise(`${other} is not understood: ${command}`)
    const text = single ?? double?.replaceAll(/\\(["\\$`])/g, '$1') ?? escaped ?? plain
    if (text !== undefined) word = (word ?? '') + text
    else if (space !== undefined && word !== undefined) {
      words.push(word)
      word = undefined
    }
  }
  return word === undefined ? words : [...words, word]
}

function raise(message: string): never {
  throw new Error(message)
}
