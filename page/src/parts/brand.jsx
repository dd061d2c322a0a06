// The mark and the name.

export const Brand = ({ service }) => (
  <span class="brand">
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <path d="M16 3l8.5 11H20l6 8.5H6L12 14H7.500z" />
      <path d="M14.800 22.500h2.400V29h-2.400z" />
    </svg>
    <span>Evergraph</span>
    {service && <span class="service">{service}</span>}
  </span>
);
