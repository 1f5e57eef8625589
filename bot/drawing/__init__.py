"""From values to messages: Markdown read, split and styled; cards, answers and replies drawn as posts."""
