"""Client reports of sections for an agency: packs as files, durable generation, gates, exports."""
