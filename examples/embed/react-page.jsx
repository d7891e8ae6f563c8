import { useState } from 'react';
import { createRoot } from 'react-dom/client';
import { LatchkeyKeys } from 'latchkey/react';
import { getToken } from './public/session.js';

function Settings({ latchkeyUrl }) {
  const [made, setMade] = useState([]);
  return (
    <>
      <LatchkeyKeys
        baseUrl={latchkeyUrl}
        getToken={getToken}
        onKeyCreated={({ key }) => setMade((labels) => [...labels, key.label])}
      />
      <p className="note" role="status">
        {made.length === 0 ? 'No key was created on this page yet.' : `Created on this page: ${made.join(', ')}`}
      </p>
    </>
  );
}

const root = document.querySelector('#root');
createRoot(root).render(<Settings latchkeyUrl={root.dataset.latchkeyUrl} />);
