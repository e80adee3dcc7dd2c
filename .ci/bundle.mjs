// Makes the program of few files: to find, read and link a thousand modules takes most of a second, of the gateway's thread and of
// each thread of servers. Tests and whoever embeds the gateway use the modules of dist/src as they are.
//
// Modules find some others by the place where they themselves are: the store's thread beside them, those of servers in `../node`, the
// implementations in `../../implementations`. What several entries use, as all of these modules, lies in `threads/host` therefore.
import { readdirSync, rmSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const outdir = 'dist/program'

const implementations = readdirSync(`${root}/implementations`)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => [`implementations/${basename(file, '.ts')}`, `implementations/${file}`])

rmSync(`${root}/${outdir}`, { recursive: true, force: true })
await build({
  absWorkingDir: root,
  outdir,
  entryPoints: {
    main: 'src/main.ts',
    'threads/host/store-thread': 'src/stores/store-thread.ts',
    'threads/node/thread': 'src/threads/node/thread.ts',
    'threads/node/file-trial': 'src/threads/node/file-trial.ts',
    ...Object.fromEntries(implementations),
  },
  chunkNames: 'threads/host/[name]-[hash]',
  // The implementations get the very core that runs them.
  alias: { genservers: './src/index.ts' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  // They have files that are not modules, or threads of their own.
  external: ['@fastify/swagger-ui', 'jiti', 'libsql', 'pino', 'pino-pretty'],
  // Packages that are not ES modules ask for what Node has by `require`.
  banner: {
    js: "import { createRequire as nodeRequire } from 'node:module'\nconst require = nodeRequire(import.meta.url)",
  },
  logLevel: 'warning',
})
