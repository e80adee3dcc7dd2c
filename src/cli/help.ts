/** The help text, made from the settings' schema so that it cannot fall behind it. */
import { flagOf, settingNames, settingsSchema, variablesOf } from './settings.js'

const COLUMNS = [33, 34] as const

const PLACEHOLDERS: Readonly<Record<string, string>> = { array: 'DIR', string: 'TEXT', boolean: 'BOOLEAN' }

/** Defaults that say nothing. */
const NOT_SHOWN: ReadonlySet<unknown> = new Set([null, '', false])

export function helpText(): string {
  return [
    'Usage: genservers [start] [options]         run the gateway',
    '       genservers openapi [--out FILE]      write the OpenAPI document and exit',
    '       genservers backup FILE [--url URL]   copy what durable servers keep, also while the gateway runs, and exit',
    '',
    'Options, and the environment variables that do the same (a flag wins; times in milliseconds):',
    ...settingNames.flatMap(describe),
    row('--no-admin', '', 'The same as --admin=false'),
    row('--print-config', '', 'Print the effective settings as JSON and exit'),
    row('-h, --help', '', 'Print this and exit'),
    row('-v, --version', '', 'Print the version and exit'),
    '',
    'PORT is taken where GENSERVERS_PORT is not set. backup asks the gateway that has these settings, or the one at URL.',
    '',
  ].join('\n')
}

function describe(name: (typeof settingNames)[number]): string[] {
  const schema = settingsSchema.properties[name]
  const placeholder = name === 'servers' ? 'FILE' : (PLACEHOLDERS[schema.type as string] ?? 'NUMBER')
  const byDefault = schema.type === 'array' || NOT_SHOWN.has(schema.default) ? '' : ` (default ${schema.default})`
  const [variable = ''] = variablesOf(name)
  const flag = schema.default === false ? `--${flagOf(name)}` : `--${flagOf(name)} ${placeholder}`
  return [row(flag, variable, `${schema.description}${byDefault}`)]
}

function row(flag: string, variable: string, text: string): string {
  return `  ${flag.padEnd(COLUMNS[0])}${variable.padEnd(COLUMNS[1])}${text}`
}
