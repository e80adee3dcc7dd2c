/** How the program reloads implementations: when it is asked over HTTP, and by itself when a file changes. */
import { basename, dirname, sep } from 'node:path'
import { HttpProblem } from '../http/problem-document.js'
import type { Reload } from '../http/reload.js'
import { GenServerError, type Logger } from '../index.js'
import { LoadError } from '../loading/load-error.js'
import { type ImplementationFiles, watchImplementations } from '../loading/watch.js'

/** For the route: where the file lies is nobody's business there. */
export function reloadOnRequest(reload: Reload): Reload {
  return async (name, options) => {
    try {
      return await reload(name, options)
    } catch (error) {
      if (!(error instanceof LoadError)) throw error
      const { file, problem } = error
      throw new HttpProblem('load_failed', `${basename(file)}: ${problem.replaceAll(dirname(file) + sep, '')}`)
    }
  }
}

/** Reloads what changes, until what it returns is called. What cannot be reloaded is logged, and goes on as it was. */
export function reloadOnChange(
  reload: Reload,
  implementations: ImplementationFiles,
  logger: Logger,
): Promise<() => Promise<void>> {
  const reloadNow = async (name: string) => {
    try {
      await reload(name, {})
    } catch (error) {
      const isForAuthor = error instanceof LoadError || error instanceof GenServerError
      logger.error({ implementation: name, ...(isForAuthor ? {} : { err: error }) }, (error as Error).message)
    }
  }
  /** Those whose reload has not begun: it will see all that has changed by then. */
  const waiting = new Set<string>()
  let last: Promise<void> = Promise.resolve()
  const reloadSoon = (name: string) => {
    if (waiting.has(name)) return
    waiting.add(name)
    last = last.then(() => {
      waiting.delete(name)
      return reloadNow(name)
    })
  }
  return watchImplementations(implementations, {
    changed: (names) => names.forEach(reloadSoon),
    appeared: (file, isTwin) =>
      logger.warn(
        { file },
        isTwin
          ? 'another implementation has this name: the next start will fail'
          : 'a new implementation is served after the next start',
      ),
    failed: (error) => logger.error({ err: error }, 'watching the implementations failed'),
  })
}
