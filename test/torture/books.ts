/** The books of a gateway: many are started, and read when what they pass on has come. */
import { type Book, judge, type Sent, type Verdict } from './history.js'
import type { HttpLine } from './http-line.js'

export async function startAll(line: HttpLine, ids: readonly string[]): Promise<void> {
  const left = [...ids]
  const work = async () => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      const { fate } = await line.start(id)
      if (fate !== 'ok') throw new Error(`${id} did not start`)
    }
  }
  await Promise.all(Array.from({ length: 64 }, work))
}

/** Those of a history, and those that were started in it. */
export function serversOf(history: readonly Sent[], servers: readonly string[]): readonly string[] {
  return [...servers, ...history.flatMap(({ kind, server }) => (kind === 'start' ? server : []))]
}

/** What servers pass on may still be on its way: it is looked at until it has come, or for long enough. */
export async function judgeAtRest(
  line: HttpLine,
  history: readonly Sent[],
  servers: readonly string[],
): Promise<Verdict & { readonly books: ReadonlyMap<string, Book> }> {
  for (let looks = 1; ; looks++) {
    const books = new Map<string, Book>()
    for (const server of serversOf(history, servers)) {
      const state = await line.state(server)
      if (state !== undefined) books.set(server, state as Book)
    }
    const verdict = judge(history, books)
    if (verdict.lost.length === 0 || looks === 10) return { ...verdict, books }
  }
}
