/**
 * Runs one command and says with which code the process is to exit: 0 done, 1 it failed, 2 it was asked for wrongly, 3 another
 * gateway has the data directory. What fails is told in one message, without a stack, for it is the starter's to mend. `start`
 * goes on running after this.
 */
import { productVersion } from '../http/product-version.js'
import { NotRestored } from '../index.js'
import { LoadError } from '../loading/load-error.js'
import { StoreNotOpened } from '../stores/store-not-opened.js'
import { type CommandLine, parseCommandLine } from './command-line.js'
import { helpText } from './help.js'
import { NoBackup } from './no-backup.js'
import { type Environment, readSettings } from './read-settings.js'
import { UsageError } from './usage-error.js'

export async function run(args: readonly string[], environment: Environment): Promise<number> {
  // Nothing is left to do, and yet it is waited for.
  const unsettled = () => {
    process.stderr.write(
      'genservers: the start came to no end: a module of an implementation waits for something that never comes\n',
    )
    process.exit(1)
  }
  process.once('beforeExit', unsettled)
  try {
    await obey(parseCommandLine(args), environment)
    return 0
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`genservers: ${error.message}\nTry genservers --help\n`)
      return 2
    }
    process.stderr.write(`genservers: ${explain(error)}\n`)
    return error instanceof StoreNotOpened && error.isInUse ? 3 : 1
  } finally {
    process.off('beforeExit', unsettled)
  }
}

async function obey(line: CommandLine, environment: Environment): Promise<void> {
  if (line.help) return print(helpText())
  if (line.version) return print(`${productVersion()}\n`)
  const settings = readSettings(line.flags, environment)
  if (line.printConfig) return print(`${JSON.stringify(settings, null, 2)}\n`)
  // Imported late, so that help and mistakes are answered without loading the gateway.
  if (line.command === 'openapi') return (await import('./openapi.js')).writeOpenapi(settings, line.out)
  if (line.command === 'backup') return (await import('./backup.js')).backUp(settings, line.file, line.url)
  return (await import('./start.js')).start(settings)
}

function print(text: string): void {
  process.stdout.write(text)
}

function explain(error: unknown): string {
  if ([StoreNotOpened, NotRestored, NoBackup].some((kind) => error instanceof kind)) return (error as Error).message
  if (error instanceof LoadError) return error.message
  const {
    code,
    address,
    port,
    flag = 'port',
  } = error as { code?: string; address?: string; port?: number; flag?: string }
  if (code === 'EADDRINUSE') return `port ${port} of ${address} is in use; choose another with --${flag}`
  if (code === 'EACCES' && port !== undefined) return `no permission to listen on port ${port} of ${address}`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return `${address ?? (error as { hostname?: string }).hostname} is not an address of this machine; choose another with --host`
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
