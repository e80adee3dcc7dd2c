/**
 * What clients may do to a gateway, or to the bare app, which takes the same requests. A load says what a connection
 * sends next, knowing what was answered last; the bytes are made beforehand, so that the client stays cheap.
 */

/** What a worker is asked to send. */
export type Load =
  /** Each request increments one counter, taken at random from `c0` to `c(ids - 1)`. */
  | { readonly kind: 'call'; readonly ids: number }
  /** Each request holds its server for 0.2 ms of CPU; it is one of the burners `c0` to `c(ids - 1)`. */
  | { readonly kind: 'burn'; readonly ids: number }
  /** The same by a cast, which resets the counter unless another one is named. */
  | { readonly kind: 'cast'; readonly ids: number; readonly message?: string }
  /** A counter is started, with an id that is made for it, and then called once. */
  | { readonly kind: 'spawn' }
  /** The counters, or others, `c(from)` to `c(to - 1)` are started, each once. */
  | { readonly kind: 'populate'; readonly from: number; readonly to: number; readonly implementation?: string }

export interface Step {
  readonly bytes: Buffer
  /** The status that the answer must have. */
  readonly status: number
}

/** The next request of a connection, given the head of the last answer (empty at first); `undefined`: there is none. */
export type NextStep = (lastHead: string) => Step | undefined

/** Makes the sequence of one connection. `share` is this worker's part of what is to be done once only. */
export type Loading = () => NextStep

export interface Share {
  readonly index: number
  readonly of: number
}

export function prepare(load: Load, port: number, share: Share): Loading {
  const post = (path: string, body: object, status: number): Step => ({ bytes: request(port, path, body), status })
  switch (load.kind) {
    case 'call':
      return anyOf(load.ids, (id) => post(`/servers/${id}/call`, { message: 'increment', args: { by: 1 } }, 200))
    case 'burn':
      return anyOf(load.ids, (id) => post(`/servers/${id}/call`, { message: 'burn', args: { ms: 0.2 } }, 200))
    case 'cast': {
      const { message = 'reset' } = load
      return anyOf(load.ids, (id) => post(`/servers/${id}/cast`, { message }, 202))
    }
    case 'spawn':
      return () => spawnThenCall(port, post('/servers', { implementation: 'counter', args: { start: 0 } }, 201))
    case 'populate': {
      const { implementation = 'counter' } = load
      let n = load.from + share.index
      return () => () => {
        if (n >= load.to) return undefined
        const step = post('/servers', { implementation, id: `c${n}` }, 201)
        n += share.of
        return step
      }
    }
  }
}

function anyOf(ids: number, make: (id: string) => Step): Loading {
  const steps = Array.from({ length: ids }, (_, n) => make(`c${n}`))
  return () => () => steps[Math.floor(Math.random() * ids)]
}

const location = /\r\nlocation: \/servers\/([^\r]+)/i

function spawnThenCall(port: number, spawn: Step): NextStep {
  let spawned = false
  return (lastHead) => {
    spawned = !spawned
    if (spawned) return spawn
    const id = location.exec(lastHead)?.[1]
    if (id === undefined) throw new Error(`no Location in ${lastHead}`)
    return { bytes: request(port, `/servers/${id}/call`, { message: 'increment', args: { by: 1 } }), status: 200 }
  }
}

function request(port: number, path: string, body: object): Buffer {
  const text = JSON.stringify(body)
  const head = [`POST ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Content-Type: application/json']
  return Buffer.from(`${head.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
}
