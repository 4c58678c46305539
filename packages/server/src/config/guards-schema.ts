import { Type } from 'typebox'
import { count, group } from './schema-parts.ts'

const whole = (minimum: number, maximum: number, value: number, description: string) =>
  Type.Integer({ minimum, maximum, default: value, description })

/** What the process can bear, and what is done beyond it. */
export const GuardsSchema = group(
  {
    loop_delay_ms: whole(
      0,
      60_000,
      500,
      'Lateness of the event loop, smoothed over half a second, from which on work is refused; 0: never.',
    ),
    heap_percent: whole(10, 99, 85, 'Part of the heap limit from which on work is refused.'),
    memory_percent: whole(
      10,
      99,
      90,
      'Part of the memory that the process may have, by a control group (version 1 or 2) or the machine, from which on work is refused.',
    ),
    resident_bytes: Type.Optional(
      count('Resident memory of this process from which on work is refused; absent: only `memory_percent` counts.'),
    ),
    recovery_percent: whole(
      0,
      50,
      10,
      'How far a reading must fall below its bound, in parts of it, before work is taken again.',
    ),
    relief_percent: whole(
      0,
      100,
      25,
      'How far on the way from a bound of memory to where all work is refused idle parts and garbage are given back; 0: at the bound itself.',
    ),
    leak_window_minutes: whole(
      0,
      10_080,
      720,
      'Time over which growth of the heap is looked at; a leak is told when it has lasted as long again, or the limit comes near. 0: not at all.',
    ),
  },
  'When the process refuses work, the cheapest first.',
)

/** What operators may take out of a running process. */
export const DiagnosticsOptionsSchema = group(
  {
    heap_snapshot: Type.Boolean({
      default: false,
      description:
        'Whether owners may take snapshots of the heap. They hold prompts, answers, keys and other secrets in the clear: switch it on when one is needed, and off again.',
    }),
    cpu_profile_seconds: whole(0, 600, 60, 'Longest CPU profile; 0: none is made.'),
  },
  'Looking into a running process.',
)
