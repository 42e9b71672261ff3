"""One module per wire contract of the evaluation container; nothing else knows a wire format."""
