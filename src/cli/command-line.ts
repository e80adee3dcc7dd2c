/**
 * What the command line asks for. Parsing only: nothing is read, started or printed here.
 */
import { parseArgs } from 'node:util'
import type { Flags } from './read-settings.js'
import { flagOf, settingNames, settingsSchema } from './settings.js'
import { UsageError } from './usage-error.js'

const commands = ['start', 'openapi', 'backup'] as const

export interface CommandLine {
  readonly command: (typeof commands)[number]
  readonly flags: Flags
  readonly help: boolean
  readonly version: boolean
  readonly printConfig: boolean
  /** Where `openapi` writes; standard output if not given. */
  readonly out: string | undefined
  /** What `backup` writes. */
  readonly file: string | undefined
  /** The gateway that `backup` asks; by default, where the settings say. */
  readonly url: string | undefined
}

/** @throws {UsageError} */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parse(args)
  const [command = 'start', ...given] = positionals
  if (!isCommand(command)) throw new UsageError(`there is no command ${JSON.stringify(command)}`)
  const [file, ...rest] = command === 'backup' ? given : [undefined, ...given]
  if (rest.length > 0) throw new UsageError(`${JSON.stringify(rest[0])} is one argument too many`)
  const { out, url } = values as { readonly out?: string; readonly url?: string }
  if (out !== undefined && command !== 'openapi') throw new UsageError('--out belongs to the command openapi')
  if (url !== undefined && command !== 'backup') throw new UsageError('--url belongs to the command backup')
  const flags = Object.fromEntries(
    settingNames.map((name) => [name, values[flagOf(name)]]).filter(([, value]) => value !== undefined),
  ) as Flags
  if (values['no-admin'] === true && flags.admin !== undefined)
    throw new UsageError('--no-admin and --admin exclude each other')
  return {
    command,
    flags: values['no-admin'] === true ? { ...flags, admin: 'false' } : flags,
    help: values['help'] === true,
    version: values['version'] === true,
    printConfig: values['print-config'] === true,
    out,
    file,
    url,
  }
}

interface Parsed {
  readonly values: Readonly<Record<string, unknown>>
  readonly positionals: readonly string[]
}

/** Flags that need no value: `--watch` is `--watch=true`. */
const switches: ReadonlySet<string> = new Set(
  settingNames.filter((name) => settingsSchema.properties[name].default === false).map((name) => `--${flagOf(name)}`),
)

function parse(args: readonly string[]): Parsed {
  const settings = settingNames.map((name) => {
    const multiple = settingsSchema.properties[name].type === 'array'
    return [flagOf(name), { type: 'string', multiple }] as const
  })
  try {
    return parseArgs({
      args: args.map((arg) => (switches.has(arg) ? `${arg}=true` : arg)),
      allowPositionals: true,
      options: {
        ...Object.fromEntries(settings),
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
        'print-config': { type: 'boolean' },
        'no-admin': { type: 'boolean' },
        out: { type: 'string' },
        url: { type: 'string' },
      },
    })
  } catch (error) {
    const message = (error as Error).message
    const unknown = /^Unknown option '([^']*)'/.exec(message)?.[1]
    throw new UsageError(unknown === undefined ? message.replace(/\n\s*/g, ' ') : `there is no option ${unknown}`)
  }
}

function isCommand(word: string): word is CommandLine['command'] {
  return (commands as readonly string[]).includes(word)
}
