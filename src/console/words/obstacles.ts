import type { Console } from '../data/console.ts';
import type { Obstacle } from '../data/may.ts';
import { postureName } from './names.ts';
import type { Words } from './words.ts';

/** Why something cannot be done now, in words; undefined when it can. */
export function obstacleText(obstacle: Obstacle, { organization }: Pick<Console, 'organization'>, w: Words) {
  if (obstacle === undefined) return undefined;
  if (obstacle === 'permission') return w.obstaclePermission;
  if (obstacle === 'impersonated') return w.errorImpersonated;
  return w.obstacleBilling(postureName(organization.posture, w));
}
