// Package platform is where campaigns are made: templates, audiences and campaigns behind a
// REST API, and the jobs that bring a scheduled campaign to the middleware.
//
// It must not know how the middleware decides, stores or injects: it reaches it as any other
// campaign tool does, by a bundle in an object store, a push event and commands that are
// signed, and HTTP readings, also when both run in one process. Else the documented way would
// rot.
//
// Invariants:
//   - What was answered with success is durable. A command is a wish first: it is kept, shown
//     as pending, and repeated until the middleware has acknowledged it.
//   - Every change of a campaign is a compare-and-set on the revision of its document, from
//     the API and from jobs alike.
//   - Each step of a preparation can be repeated: the version, the id of the push and the
//     revision of a command are durable before they are used. So a campaign that is prepared
//     again after a crash has one bundle, one import and one version.
//   - A template's source is kept under its digest and never changes; a campaign names the
//     digest, so that replacing a template changes no campaign.
//   - Memory does not grow with the size of an audience.
//
// RFC 9457 (problem details), RFC 9110 §13.1.1 (If-Match), RFC 6750 §2.1 (bearer tokens).
//
// Why huma: the OpenAPI document is made from the types that decode requests, so that it
// cannot say something else. Why not a queue of jobs: the campaigns are the queue; a job of
// its own would be a second truth about them.
package platform
