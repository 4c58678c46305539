import type { Drill } from './drill.ts'
import { addresses } from './drills/addresses.ts'
import { budget } from './drills/budget.ts'
import { database } from './drills/database.ts'
import { drain } from './drills/drain.ts'
import { inputs } from './drills/inputs.ts'
import { kills } from './drills/kills.ts'
import { limits } from './drills/limits.ts'
import { limitsFaults } from './drills/limits-faults.ts'
import { neighbour } from './drills/neighbour.ts'
import { overload } from './drills/overload.ts'
import { rotation } from './drills/rotation.ts'
import { storm } from './drills/storm.ts'
import { plans } from './drills/plans.ts'
import { uploads } from './drills/uploads.ts'
import { resume } from './drills/resume.ts'

/** Every drill, in the order in which they are listed. */
export const drills: readonly Drill[] = [
  limits,
  limitsFaults,
  budget,
  kills,
  database,
  neighbour,
  overload,
  storm,
  addresses,
  drain,
  resume,
  uploads,
  plans,
  rotation,
  inputs,
]
