/**
 * Which methods a path takes, for 405 and its Allow header (RFC 9110, section 15.5.6). Fastify itself answers 404 to a
 * known path with another method.
 */
import type { FastifyInstance } from 'fastify'

interface Pattern {
  readonly segments: readonly string[]
  readonly methods: Set<string>
}

/** Gives the methods that `path` takes; empty where nothing is served. */
export type AllowedMethods = (path: string) => string[]

/** Listens to the routes that are added to `app` from now on. */
export function collectAllowedMethods(app: FastifyInstance): AllowedMethods {
  const patterns = new Map<string, Pattern>()
  app.addHook('onRoute', ({ url, method }) => {
    let pattern = patterns.get(url)
    if (!pattern) {
      pattern = { segments: url.split('/'), methods: new Set() }
      patterns.set(url, pattern)
    }
    for (const one of Array.isArray(method) ? method : [method]) pattern.methods.add(one)
  })
  return (path) => {
    const segments = path.split('/')
    const methods = new Set<string>()
    for (const pattern of patterns.values()) {
      if (matches(pattern.segments, segments)) for (const method of pattern.methods) methods.add(method)
    }
    // Of the root of a plugin with its slash, as `/docs/`, Fastify tells only by the HEAD route that it makes of its GET.
    if (methods.has('HEAD')) methods.add('GET')
    return [...methods].sort()
  }
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  const open = pattern.at(-1) === '*'
  if (open ? path.length < pattern.length : path.length !== pattern.length) return false
  return pattern.every((segment, i) => segment === path[i] || segment === '*' || (segment[0] === ':' && path[i] !== ''))
}
