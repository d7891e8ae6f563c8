import { signOut } from '@workos-inc/authkit-nextjs';

export const GET = async (request) => signOut({ returnTo: new URL('/', request.url).href });
