"""Rules about an audit: parsed, checked, and judged in exact arithmetic."""
