/** What a thread is doing, as far as can be known from outside. */
import type { LastTaken } from '../wire/board.js'
import type { Ask, Askable, ToNode } from '../wire/messages.js'

/** `heard`: it looks at what is nobody's yet; what keeps it at that is a schema, and no server has done it. */
export interface Activity extends Omit<LastTaken, 'phase' | 'server'> {
  readonly phase: LastTaken['phase'] | 'heard'
  /** `undefined`: it is for nobody, or for many. */
  readonly server: string | undefined
}

/** What a thread is doing that looks at this question. */
export function activityOf(said: ToNode): Activity | undefined {
  const heard = { phase: 'heard', since: Date.now() } as const
  switch (said.kind) {
    case 'call':
    case 'cast':
    case 'info':
      return { ...heard, server: said.to, kind: said.kind, message: said.message }
    case 'watch':
    case 'trace':
      return { ...heard, server: said.id, kind: said.kind, message: said.kind }
    case 'ask':
      return { ...heard, ...askedActivity(said) }
    default:
      return undefined
  }
}

function askedActivity({ what, args }: Ask): Omit<Activity, 'since' | 'phase'> & Pick<Partial<Activity>, 'phase'> {
  const init = { kind: 'init', message: 'init' }
  switch (what) {
    case 'start':
    case 'getOrStart':
      return { ...init, server: idOf(args[2]) }
    // To begin again is its own, and is asked for again: it is charged, or it would cost one thread after the other.
    case 'adopt':
      return { ...init, phase: 'running', server: idOf(args[2]) }
    case 'adoptSupervisor':
      return { ...init, phase: 'running', server: idOf(args[1]) }
    case 'bringBack':
      return { ...init, phase: 'running', server: idOf(args[0]) }
    case 'keepCall':
      return { kind: 'call', message: String(args[1]), server: String(args[0]) }
    case 'castGroup':
      return { kind: 'cast', message: String(args[1]), server: undefined }
    case 'callGroup':
      return { kind: 'call', message: String(args[1]), server: undefined }
    default:
      return { kind: 'ask', message: what, server: OF_ONE.has(what) ? String(args[0]) : undefined }
  }
}

function idOf(named: unknown): string | undefined {
  return (named as { readonly id?: string } | undefined)?.id
}

/** What is asked of one server, whose id comes first. */
const OF_ONE: ReadonlySet<string> = new Set<Askable>([
  ...(['stop', 'kill', 'info', 'state', 'timers', 'cancelTimer', 'replayDeadLetter'] as const),
  ...(['suspend', 'resume', 'replaceState'] as const),
])
