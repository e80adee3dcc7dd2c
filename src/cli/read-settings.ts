/**
 * Makes the settings of flags, environment and defaults, in this order of precedence, and checks them. Nothing else in
 * the program reads the environment.
 */
import { availableParallelism } from 'node:os'
import { delimiter } from 'node:path'
import { envSchema } from 'env-schema'
import { flagOf, type SettingName, type Settings, settingNames, settingsSchema, variablesOf } from './settings.js'
import { UsageError } from './usage-error.js'

export type Environment = Readonly<Record<string, string | undefined>>
export type Flags = Readonly<Partial<Record<SettingName, string | readonly string[]>>>

/** @throws {UsageError} that names every value at fault and where it came from. */
export function readSettings(flags: Flags, environment: Environment): Settings {
  const given: Record<string, unknown> = {}
  const origins = new Map<string, string>()
  for (const name of settingNames) {
    const source =
      flags[name] === undefined ? fromEnvironment(name, environment) : { from: `--${flagOf(name)}`, value: flags[name] }
    if (source === undefined) continue
    given[name] = settingsSchema.properties[name].type === 'array' ? list(source.value) : source.value
    origins.set(name, source.from)
  }
  try {
    // A copy: env-schema writes into the schema that it is given.
    const settings = envSchema<Settings>({ schema: { ...settingsSchema }, data: { ...given }, env: false })
    mustAgree(settings)
    return { ...settings, threads: settings.threads ?? Math.max(1, availableParallelism() - 1) }
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(describe(error, given, origins))
  }
}

/** @throws {UsageError} where two settings cannot both be meant. */
function mustAgree({ port, admin, adminPort }: Settings): void {
  if (adminPort === null) return
  if (!admin) throw new UsageError("admin-port is where the operators' routes are, and admin says that there are none")
  if (adminPort === port && port !== 0) throw new UsageError(`port and admin-port are both ${port}`)
}

function fromEnvironment(name: SettingName, environment: Environment): { from: string; value: string } | undefined {
  for (const from of variablesOf(name)) {
    const value = environment[from]
    // Set to nothing is not set: compose files pass on variables that nobody gave.
    if (value === undefined || value === '') continue
    // Kubernetes puts the address of a service called `genservers` (or `genservers-admin`) into each pod, under just this name.
    if ((name === 'port' || name === 'adminPort') && value.startsWith('tcp://')) continue
    return { from, value }
  }
  return undefined
}

function list(value: string | readonly string[]): string[] {
  return [value].flat().flatMap((each) => each.split(delimiter).filter((part) => part !== ''))
}

interface SchemaError {
  readonly instancePath: string
  readonly message?: string
  readonly params?: { readonly allowedValues?: readonly string[] }
}

function describe(
  error: unknown,
  given: Readonly<Record<string, unknown>>,
  origins: ReadonlyMap<string, string>,
): string {
  const errors = (error as { errors?: readonly SchemaError[] }).errors
  if (errors === undefined) throw error
  return errors
    .map(({ instancePath, message, params }) => {
      const name = instancePath.split('/')[1] ?? ''
      const allowed = params?.allowedValues ? `: ${params.allowedValues.join(', ')}` : ''
      return `${origins.get(name) ?? name} ${message}${allowed} (it is ${JSON.stringify(given[name])})`
    })
    .join('\n')
}
