import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * What the console's page may do: run its own scripts, use its own styles, and call this service. Strings never become
 * scripts. `frameAncestors`: the origins whose pages may show it in a frame.
 */
export function pagePolicy(frameAncestors: readonly string[]): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'none'"],
        'script-src': ["'self'"],
        'style-src': ["'self'"],
        'img-src': ["'self'", 'data:'],
        'connect-src': ["'self'"],
        'font-src': ["'self'"],
        'manifest-src': ["'self'"],
        'form-action': ["'self'"],
        'base-uri': ["'none'"],
        'frame-ancestors': frameAncestors.length === 0 ? ["'none'"] : [...frameAncestors],
        'require-trusted-types-for': ["'script'"],
        'trusted-types': ["'none'"],
      },
    },
    // `frame-ancestors` says more than this header can.
    xFrameOptions: frameAncestors.length === 0 ? { action: 'deny' } : false,
  });
}
