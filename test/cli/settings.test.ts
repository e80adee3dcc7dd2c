/** Flags, environment, defaults: precedence, and what is said of values that cannot be meant. */
import { availableParallelism } from 'node:os'
import t from 'tap'
import { parseCommandLine } from '../../src/cli/command-line.js'
import { helpText } from '../../src/cli/help.js'
import { readSettings } from '../../src/cli/read-settings.js'
import { flagOf, settingNames, settingsSchema, variablesOf } from '../../src/cli/settings.js'
import { bundledDirectory } from '../../src/loading/bundled-directory.js'
import { readProjectFile } from '../house/source-files.js'

t.test('without flags and environment the defaults hold', async (t) => {
  t.match(readSettings({}, {}), {
    host: '127.0.0.1',
    port: 3000,
    implementations: [bundledDirectory],
    logLevel: 'info',
    bodyLimit: 262_144,
    maxRestarts: 10,
    maxSeconds: 5,
    drainDelay: 0,
    drainTimeout: 10_000,
  })
})

t.test('every setting has a flag, a variable, a default and a line of help', async (t) => {
  const help = helpText()
  for (const name of settingNames) {
    t.not(settingsSchema.properties[name].default, undefined, name)
    t.match(help, `--${flagOf(name)} `)
    t.match(help, ` ${variablesOf(name)[0]} `)
  }
})

/** Defaults that depend on other things. */
const usual: Readonly<Record<string, string>> = {
  implementations: 'the bundled ones',
  adminPort: 'the main port',
  servers: 'none',
  threads: 'cores − 1, at least 1',
}

t.test('docs/running.md tells every setting, with the default that it has', async (t) => {
  const page = readProjectFile('docs/running.md')
  for (const name of settingNames) {
    const { default: value } = settingsSchema.properties[name]
    const shown = usual[name] ?? `\`${value}\``
    t.match(page, `| \`--${flagOf(name)}\` | \`${variablesOf(name)[0]}\` | ${shown} |`)
  }
})

t.test('one core is left for the gateway, where there are several', async (t) => {
  t.equal(readSettings({}, {}).threads, Math.max(1, availableParallelism() - 1))
  t.equal(readSettings({ threads: '0' }, {}).threads, 0)
})

t.test('a flag beats the environment, and the environment the default', async (t) => {
  const environment = { GENSERVERS_PORT: '4000', GENSERVERS_DRAIN_TIMEOUT: '7' }
  t.match(readSettings({ port: '5000' }, environment), { port: 5000, drainTimeout: 7 })
  t.match(readSettings({}, environment), { port: 4000, drainTimeout: 7 })
})

t.test('PORT counts where no variable of our own is set, and HOST never', async (t) => {
  t.match(readSettings({}, { PORT: '4000', HOST: '::1' }), { port: 4000, host: '127.0.0.1' })
  t.match(readSettings({}, { PORT: '4000', GENSERVERS_PORT: '4001' }), { port: 4001 })
})

t.test('a variable that is set to nothing counts as not set', async (t) => {
  t.match(readSettings({}, { GENSERVERS_PORT: '', PORT: '4000', GENSERVERS_LOG_LEVEL: '' }), {
    port: 4000,
    logLevel: 'info',
  })
})

t.test('the service address that Kubernetes injects under the same name is not taken for a port', async (t) => {
  t.equal(readSettings({}, { GENSERVERS_PORT: 'tcp://10.0.0.1:3000' }).port, 3000)
})

t.test('directories may be repeated or separated by a colon', async (t) => {
  t.same(readSettings({ implementations: ['/a:/b', '/c'] }, {}).implementations, ['/a', '/b', '/c'])
  t.same(readSettings({}, { GENSERVERS_IMPLEMENTATIONS: '/a:/b:' }).implementations, ['/a', '/b'])
})

t.test('every bad value is named with its origin', async (t) => {
  const read = () => readSettings({ port: 'abc' }, { GENSERVERS_LOG_LEVEL: 'loud', GENSERVERS_MAX_RESTARTS: '-1' })
  t.throws(read, { name: 'UsageError', message: /--port must be integer \(it is "abc"\)/ })
  t.throws(read, { message: /GENSERVERS_LOG_LEVEL must .*: trace, debug, .* \(it is "loud"\)/ })
  t.throws(read, { message: /GENSERVERS_MAX_RESTARTS must be >= 0 \(it is "-1"\)/ })
  t.throws(() => readSettings({ port: '70000' }, {}), { message: /--port must be <= 65535/ })
  t.throws(() => readSettings({ implementations: [''] }, {}), {
    message: /--implementations must NOT have fewer than 1 items/,
  })
})

t.test('the command line gives the command and the flags', async (t) => {
  t.match(parseCommandLine([]), { command: 'start', flags: {}, help: false, version: false, printConfig: false })
  t.match(parseCommandLine(['start', '--port', '1', '--implementations', 'a', '--implementations=b']), {
    command: 'start',
    flags: { port: '1', implementations: ['a', 'b'] },
  })
  t.match(parseCommandLine(['openapi', '--out', 'x.json']), { command: 'openapi', out: 'x.json' })
  t.match(parseCommandLine(['backup', 'x.db', '--url', 'u']), { command: 'backup', file: 'x.db', url: 'u' })
  t.match(parseCommandLine(['-h', '-v', '--print-config']), { help: true, version: true, printConfig: true })
})

t.test('what the command line does not know is refused', async (t) => {
  for (const [args, message] of [
    [['--prot', '1'], 'there is no option --prot'],
    [['-x'], 'there is no option -x'],
    [['serve'], 'there is no command "serve"'],
    [['start', 'now'], '"now" is one argument too many'],
    [['--out', 'x'], '--out belongs to the command openapi'],
    [['--url', 'x'], '--url belongs to the command backup'],
    [['backup', 'a', 'b'], '"b" is one argument too many'],
    [['--port'], /'--port <value>' argument missing/],
    [['--help=yes'], /'-h, --help' does not take an argument/],
  ] as const) {
    t.throws(() => parseCommandLine(args), { name: 'UsageError', message })
  }
})

t.test("the operators' routes are on the main port, on one of their own, or nowhere", async (t) => {
  const read = (args: readonly string[], environment = {}) => readSettings(parseCommandLine(args).flags, environment)
  t.match(read([]), { admin: true, adminPort: null })
  t.match(read(['--admin-port', '0']), { admin: true, adminPort: 0 })
  t.match(read([], { GENSERVERS_ADMIN_PORT: '4001' }), { adminPort: 4001 })
  for (const args of [['--no-admin'], ['--admin=false'], ['--admin', 'false']]) t.match(read(args), { admin: false })
  t.match(read(['--admin=true'], { GENSERVERS_ADMIN: 'false' }), { admin: true })
  t.equal(read([], { GENSERVERS_ADMIN_PORT: 'tcp://10.0.0.1:3000' }).adminPort, null)
})

t.test("what cannot be meant of the operators' routes is refused", async (t) => {
  for (const [args, message] of [
    [['--admin-port', '70000'], /--admin-port must be <= 65535/],
    [['--admin-port', 'x'], /--admin-port must be integer/],
    [['--admin=maybe'], /--admin must be boolean \(it is "maybe"\)/],
    [['--no-admin', '--admin=true'], /--no-admin and --admin exclude each other/],
    [['--no-admin', '--admin-port', '1'], /admin says that there are none/],
    [['--port', '81', '--admin-port', '81'], /port and admin-port are both 81/],
  ] as const) {
    t.throws(() => readSettings(parseCommandLine(args).flags, {}), { name: 'UsageError', message })
  }
  t.match(readSettings({ port: '0', adminPort: '0' }, {}), { port: 0, adminPort: 0 }, 'two free ones')
})
