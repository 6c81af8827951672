package platform

// CopyRows is copyRows, for the fuzz test.
var CopyRows = copyRows
