/** Runs the bare app, and tells where it listens as the gateway does. */
import { createBareApp } from '../bare-app.js'

const url = await createBareApp().listen({ host: '127.0.0.1', port: 0 })
process.stdout.write(`${JSON.stringify({ url })}\n`)
