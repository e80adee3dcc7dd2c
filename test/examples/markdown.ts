/**
 * The examples in the documents. The convention:
 *
 * - A block fenced as `sh` whose commands are `curl` is run, one command after the other, against one gateway for each
 *   document; the document writes its address as `localhost:3000`. A command may go on after a backslash, and in quotes.
 * - What the answer is to be follows the command as a comment (`# {"reply":1}`), or follows the block as the next block,
 *   for its last command: `json` shows the body, `jsonl` each line of it; `http` the status line, and headers and body if it shows them. What is
 *   shown must be there, and objects may have more; `"..."` stands for any value. A command whose answer is not shown must
 *   succeed.
 * - A command with `-N` reads a stream while the following ones run; `sse` shows events that come in it, in their order.
 * - A block fenced as `ts` that begins with `// implementations/NAME.ts` is an implementation, and the gateway has it; where
 *   it is shown again, its file has changed by then. One that follows a line which ends in a link to
 *   `implementations/NAME.ts` and a colon must be the whole of that file.
 */

export interface Block {
  readonly language: string
  readonly text: string
  /** The line of the document on which its text begins. */
  readonly line: number
  /** The last line of text before it. */
  readonly before: string
}

export interface CurlExample {
  readonly line: number
  readonly command: string
  readonly answer: Pick<Block, 'language' | 'text'> | undefined
}

export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = []
  const lines = markdown.split('\n')
  for (let at = 0; at < lines.length; at += 1) {
    const language = /^```(\w+)$/.exec(lines[at] ?? '')?.[1]
    if (language === undefined) continue
    const end = lines.indexOf('```', at + 1)
    if (end < 0) throw new Error(`the block in line ${at + 1} has no end`)
    const before = lines.slice(0, at).findLast((line) => line.trim() !== '') ?? ''
    blocks.push({ language, text: lines.slice(at + 1, end).join('\n'), line: at + 2, before })
    at = end
  }
  return blocks
}

/** Languages of blocks that show an answer. */
const ANSWERS: ReadonlySet<string> = new Set(['json', 'jsonl', 'http', 'sse'])

export function curlExamplesOf(markdown: string): CurlExample[] {
  const blocks = blocksOf(markdown)
  return blocks.flatMap((block, at) => {
    if (block.language !== 'sh' || !/^curl /m.test(block.text)) return []
    const examples: CurlExample[] = []
    for (const line of commandLines(block.text)) {
      const last = examples.at(-1)
      const [, answer] = /^# ([{[].*)$/.exec(line) ?? []
      if (line.startsWith('curl ')) examples.push({ line: block.line, command: line, answer: undefined })
      else if (answer && last) examples.splice(-1, 1, { ...last, answer: { language: 'json', text: answer } })
      else if (line.trim() !== '' && !line.startsWith('#')) {
        throw new Error(`line ${block.line}: a block of curl holds other commands too`)
      }
    }
    const next = blocks[at + 1]
    const last = examples.at(-1)
    if (last && next !== undefined && ANSWERS.has(next.language)) {
      examples.splice(-1, 1, { ...last, answer: next })
    }
    return examples
  })
}

/** A line that ends within quotes goes on. */
function commandLines(text: string): string[] {
  const lines: string[] = []
  for (const line of text.replaceAll(/\\\n\s*/g, '').split('\n')) {
    const isOpen = (lines.at(-1) ?? '').split("'").length % 2 === 0
    if (isOpen && lines.at(-1)?.startsWith('curl ')) lines.push(`${lines.pop()}\n${line}`)
    else lines.push(line)
  }
  return lines
}

export interface ImplementationExample {
  readonly line: number
  readonly fileName: string
  readonly text: string
  /** It shows a file of the project, and is not one of its own. */
  readonly isQuoted: boolean
}

export function implementationExamplesOf(markdown: string): ImplementationExample[] {
  return blocksOf(markdown).flatMap(({ language, text, line, before }): ImplementationExample[] => {
    if (language !== 'ts') return []
    const [, own, rest] = /^\/\/ implementations\/([\w-]+\.ts)\n+([\s\S]*)$/.exec(text) ?? []
    if (own !== undefined) return [{ line, fileName: own, text: `${rest}\n`, isQuoted: false }]
    const [, quoted] = /\(implementations\/([\w-]+\.ts)\):$/.exec(before) ?? []
    return quoted === undefined ? [] : [{ line, fileName: quoted, text: `${text}\n`, isQuoted: true }]
  })
}
