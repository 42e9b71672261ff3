"""One event of each process type, as literals: reading a file would be measured too."""

PREPROCESS = {
    "process_type": "preprocess",
    "data": {
        "system": "You are a helpful assistant.",
        "prompt": "The docking station gives no picture on either monitor since the desk move.",
        "gold": '{"class": "hardware", "thought": "It charges but shows nothing.", "description": "Swap the dock."}',
    },
}
POSTPROCESS = {
    "process_type": "postprocess",
    "data": {
        "prompt": "The docking station gives no picture on either monitor since the desk move.",
        "inference_output": '{"class": "hardware", "thought": "No picture.", "description": "Replace the dock."}',
        "gold": '{"class": "hardware", "thought": "It charges but shows nothing.", "description": "Swap the dock."}',
    },
}
