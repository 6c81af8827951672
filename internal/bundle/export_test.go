package bundle

// WriteParts is Write with files of so many rows.
var WriteParts = write
