/** This folder is the whole project, whatever lies around it. */
export default { turbopack: { root: import.meta.dirname } };
