#!/usr/bin/env node
/** The program `genservers`. */
import './cli/tick-shape.js'
import { run } from './cli/run.js'

const code = await run(process.argv.slice(2), process.env)
// A start that failed leaves nothing to wait for, whatever the modules that it had loaded may have begun.
if (code !== 0) process.exit(code)
