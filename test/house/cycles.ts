/** Import cycles, those of types included: files of a cycle can only be read, changed and tested together. */
import { importsOf, type Sources } from './source-files.js'

/** Some cycle as the list of its files, from one round to itself; empty if there is none. */
export function findImportCycle(sources: Sources): string[] {
  const done = new Set<string>()
  const way: string[] = []

  const visit = (path: string): string[] => {
    const start = way.indexOf(path)
    if (start >= 0) return [...way.slice(start), path]
    const text = sources.get(path)
    if (text === undefined || done.has(path)) return []
    way.push(path)
    for (const next of importsOf(path, text).files) {
      const cycle = visit(next)
      if (cycle.length > 0) return cycle
    }
    way.pop()
    done.add(path)
    return []
  }

  for (const path of sources.keys()) {
    const cycle = visit(path)
    if (cycle.length > 0) return cycle
  }
  return []
}
