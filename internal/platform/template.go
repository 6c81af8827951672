package platform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"inlay.example/inlay/internal/campaign"
	"inlay.example/inlay/internal/fault"
	"inlay.example/inlay/internal/message"
	"inlay.example/inlay/internal/object"
	"inlay.example/inlay/internal/platform/api"
)

// maxVersions is how many sources a template may have had: its document lists them all.
const maxVersions = 1000

const mediaMail = "message/rfc822"

// SourceBody, exported like CampaignPath, is a body that is a source, or JSON with one.
type SourceBody struct {
	ContentType string `header:"Content-Type" hidden:"true"` // by OpenAPI described with the body
	RawBody     []byte
}

type createTemplateInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"255" doc:"Repeating the request with the same key answers with what the first one made."`
	Name string `query:"name" maxLength:"256" doc:"Of the template, when the body is message/rfc822."`
	ID   string `query:"id" pattern:"^[a-z0-9-]{1,64}$" doc:"Of the template, when the body is message/rfc822; made from the name when absent."`
	SourceBody
}

// TemplatePath names a template; exported like CampaignPath.
type TemplatePath struct {
	ID string `path:"id" maxLength:"64"`
}

type replaceTemplateInput struct {
	TemplatePath
	IfMatch string `header:"If-Match" doc:"ETag of what is to be replaced."`
	SourceBody
}

type deleteTemplateInput struct {
	TemplatePath
	IfMatch string `header:"If-Match" doc:"ETag of what is to be deleted."`
}

type sourceInput struct {
	TemplatePath
	Version uint32 `query:"version" doc:"The current one when absent."`
}

type previewInput struct {
	TemplatePath
	Body api.Preview
}

// mailOutput is a message.
type mailOutput struct {
	ContentType string `header:"Content-Type"`
	ETag        string `header:"ETag" doc:"The source's digest."`
	Body        []byte
}

func (p *Platform) templateRoutes(a huma.API) {
	sources := func() *huma.RequestBody {
		return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			mediaMail:          {Schema: &huma.Schema{Type: huma.TypeString, Description: "The .eml as it is."}},
			"application/json": {Schema: sourceSchema()},
		}}
	}
	mailAnswer := func(text string) map[string]*huma.Response {
		return map[string]*huma.Response{"200": {Description: text, Content: map[string]*huma.MediaType{
			mediaMail: {Schema: &huma.Schema{Type: huma.TypeString}},
		}}}
	}
	tags := []string{"templates"}
	register(p, a, huma.Operation{
		OperationID: "create-template", Method: http.MethodPost, Path: "/templates", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary:     "Store a template",
		Description: "The source is compiled first; when it cannot be, the answer says where in it and why, and nothing is stored.",
		RequestBody: sources(), MaxBodyBytes: maxTemplateBody, SkipValidateBody: true,
		Errors: []int{http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType},
	}, p.createTemplate)
	register(p, a, huma.Operation{
		OperationID: "list-templates", Method: http.MethodGet, Path: "/templates", Tags: tags, Summary: "List templates",
	}, p.listTemplates)
	register(p, a, huma.Operation{
		OperationID: "get-template", Method: http.MethodGet, Path: "/templates/{id}", Tags: tags, Summary: "Read a template",
		Errors: []int{http.StatusNotFound},
	}, p.getTemplate)
	register(p, a, huma.Operation{
		OperationID: "replace-template", Method: http.MethodPut, Path: "/templates/{id}", Tags: tags,
		Summary:     "Make a new version of a template",
		Description: "Campaigns that exist keep the version that they were planned with. The same source again changes nothing.",
		RequestBody: sources(), MaxBodyBytes: maxTemplateBody, SkipValidateBody: true,
		Errors: []int{
			http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed,
			http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
		},
	}, p.replaceTemplate)
	register(p, a, huma.Operation{
		OperationID: "delete-template", Method: http.MethodDelete, Path: "/templates/{id}", Tags: tags, Summary: "Delete a template",
		Description:   "Campaigns that exist keep the version that they were planned with.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound, http.StatusPreconditionFailed},
	}, p.deleteTemplate)
	register(p, a, huma.Operation{
		OperationID: "get-template-source", Method: http.MethodGet, Path: "/templates/{id}/source", Tags: tags,
		Summary: "Read a template's source", Responses: mailAnswer("The source, octet for octet."),
		Errors: []int{http.StatusNotFound},
	}, p.getSource)
	register(p, a, huma.Operation{
		OperationID: "preview-template", Method: http.MethodPost, Path: "/templates/{id}/preview", Tags: tags,
		Summary: "Render a template for one person", Responses: mailAnswer("The message as a mail client would get it."),
		Errors: []int{http.StatusBadRequest, http.StatusNotFound, http.StatusRequestEntityTooLarge},
	}, p.preview)
}

func (in *SourceBody) isMail() bool {
	media, _, err := mime.ParseMediaType(in.ContentType)
	return err == nil && media == mediaMail
}

// sourceSchema describes api.TemplateSource: the framework reads schemas from the types of
// bodies that it decodes, and this body it does not.
func sourceSchema() *huma.Schema {
	text := func(doc string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Description: doc} }
	return &huma.Schema{
		Type: huma.TypeObject, Required: []string{"name", "source"}, AdditionalProperties: false,
		Properties: map[string]*huma.Schema{
			"id":     {Type: huma.TypeString, Pattern: "^[a-z0-9-]{1,64}$", Description: "Made from the name when absent."},
			"name":   text("For people."),
			"source": text("The .eml: RFC 5322 headers, an empty line, the body. Lines may end in LF or CR LF."),
		},
	}
}

// source reads a body that is an .eml or JSON.
func (in *SourceBody) source() (api.TemplateSource, error) {
	if in.isMail() {
		// The body's memory is used for another request when this one is answered.
		return api.TemplateSource{Source: string(in.RawBody)}, nil
	}
	if media, _, err := mime.ParseMediaType(in.ContentType); err != nil || media != "application/json" {
		return api.TemplateSource{}, fault.Wrap(fault.Unsupported, errMedia, "the body must be message/rfc822 or application/json, not %q", in.ContentType)
	}
	var out api.TemplateSource
	if err := unmarshal(in.RawBody, &out); err != nil {
		return out, fault.Wrap(fault.Invalid, err, "the body is not a template as JSON: %v", err)
	}
	return out, nil
}

// checkName says what is wrong with the name of a template or audience.
func checkName(f *fault.Fields, field, name string) {
	switch {
	case name == "" || len(name) > campaign.MaxName:
		f.Add(field, "must have 1 to %d octets", campaign.MaxName)
	case !utf8.ValidString(name) || strings.IndexFunc(name, unicode.IsControl) >= 0:
		f.Add(field, "must be text without control characters")
	}
}

// compile compiles a source and says everything that is wrong with it, and where.
func compile(source string) (*message.Template, error) {
	t, err := message.Compile([]byte(source))
	var at *message.SourceError
	if !errors.As(err, &at) {
		return t, err // good, or wrong as a whole
	}
	var all fault.Fields
	for _, one := range message.Problems(err) {
		if errors.As(one, &at) {
			all.Add(fmt.Sprintf("%s, line %d, column %d", at.Where, at.Line, at.Column), "%s", at.Reason)
		} else {
			all.Add("the template", "%s", one.Error())
		}
	}
	return nil, all
}

// sourceKey is where a source is kept. Equal sources are kept once.
func sourceKey(digest string) object.Key {
	return object.Key("templates/" + strings.TrimPrefix(digest, "sha256:") + ".eml")
}

// putSource keeps a source and describes it as the next version.
func (p *Platform) putSource(ctx context.Context, t *api.Template, source string) error {
	compiled, err := compile(source)
	if err != nil {
		return err
	}
	d := message.Digest([]byte(source))
	if _, err := p.objects.Put(ctx, sourceKey(d), strings.NewReader(source), int64(len(source))); err != nil {
		return fmt.Errorf("keeping a template's source: %w", err)
	}
	now := p.now()
	t.Version++
	t.Digest, t.Size, t.Subject, t.Updated = d, int64(len(source)), subjectOf(source), now
	t.Variables = []api.Variable{}
	for _, v := range compiled.Variables() {
		t.Variables = append(t.Variables, api.Variable{Name: v.Name, Required: v.Required})
	}
	t.Versions = append(slices.Clip(t.Versions), api.TemplateVersion{Version: t.Version, Digest: d, Size: t.Size, Created: now})
	return nil
}

// subjectOf reads the subject as it stands. The source has been compiled, so it has one.
func subjectOf(source string) string {
	m, err := mail.ReadMessage(strings.NewReader(source))
	if err != nil {
		return ""
	}
	raw := m.Header.Get("Subject")
	if decoded, err := new(mime.WordDecoder).DecodeHeader(raw); err == nil {
		return decoded
	}
	return raw
}

func (p *Platform) createTemplate(ctx context.Context, in *createTemplateInput) (*made[api.Template], error) {
	src, err := in.source()
	if err != nil {
		return nil, err
	}
	at := "query."
	switch {
	case in.isMail():
		src.Name, src.ID = in.Name, in.ID
	case in.Name != "" || in.ID != "":
		return nil, fault.New(fault.Invalid, "the parameters name and id are for a body that is message/rfc822")
	default:
		at = ""
	}
	var f fault.Fields
	checkName(&f, at+"name", src.Name)
	if src.ID != "" && !campaign.ValidID(src.ID) {
		f.Add(at+"id", "must be 1 to %d of a-z, 0-9 and -", campaign.MaxID)
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	t := api.Template{Name: src.Name, Created: p.now()}
	if err := p.putSource(ctx, &t, src.Source); err != nil {
		return nil, err
	}
	id, mark, err := p.reserve(ctx, kindTemplate, in.Key, src.ID, src.Name, src)
	if err != nil {
		return nil, err
	}
	t.ID = id
	r, err := create(ctx, p, kindTemplate, "template", id, record[api.Template]{Value: t, Key: mark})
	if err != nil {
		return nil, err
	}
	return &made[api.Template]{ETag: r.etag(), Location: api.Base + "/templates/" + id, Body: r.Value}, nil
}

func (p *Platform) listTemplates(ctx context.Context, in *Paging) (*listed[api.Template], error) {
	out := &listed[api.Template]{Body: api.Page[api.Template]{Items: []api.Template{}}}
	next, err := list(ctx, p, kindTemplate, in.Cursor, in.Limit, func(r record[api.Template]) error {
		out.Body.Items = append(out.Body.Items, r.Value)
		return nil
	})
	out.Body.Next = next
	return out, err
}

func (p *Platform) template(ctx context.Context, id string) (record[api.Template], error) {
	return load[api.Template](ctx, p, kindTemplate, "template", id)
}

func (p *Platform) getTemplate(ctx context.Context, in *TemplatePath) (*one[api.Template], error) {
	r, err := p.template(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &one[api.Template]{ETag: r.etag(), Body: r.Value}, nil
}

func (p *Platform) replaceTemplate(ctx context.Context, in *replaceTemplateInput) (*one[api.Template], error) {
	src, err := in.source()
	if err != nil {
		return nil, err
	}
	if src.ID != "" && src.ID != in.ID {
		return nil, fault.Fields{{Field: "id", Detail: "is not that of the path"}}
	}
	r, err := change(ctx, p, kindTemplate, "template", in.ID, in.IfMatch, func(r *record[api.Template]) error {
		if src.Name != "" {
			var f fault.Fields
			if checkName(&f, "name", src.Name); f != nil {
				return f
			}
		}
		renamed := src.Name != "" && src.Name != r.Value.Name
		if renamed {
			r.Value.Name, r.Value.Updated = src.Name, p.now()
		}
		if message.Digest([]byte(src.Source)) == r.Value.Digest {
			if renamed {
				return nil
			}
			return errUnchanged
		}
		if len(r.Value.Versions) >= maxVersions {
			return fault.New(fault.Conflict, "a template has at most %d versions", maxVersions)
		}
		return p.putSource(ctx, &r.Value, src.Source)
	})
	if err != nil {
		return nil, err
	}
	return &one[api.Template]{ETag: r.etag(), Body: r.Value}, nil
}

// deleteTemplate removes the document. Sources stay: campaigns name them by digest.
func (p *Platform) deleteTemplate(ctx context.Context, in *deleteTemplateInput) (*struct{}, error) {
	for range maxAttempts {
		r, err := p.template(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		if err := precondition(in.IfMatch, r.etag()); err != nil {
			return nil, err
		}
		err = p.documents.Delete(ctx, kindTemplate, in.ID, r.rev)
		if !fault.Is(err, fault.Conflict) {
			return nil, err
		}
	}
	return nil, fault.New(fault.Unavailable, "the template is being changed by others")
}

// version finds a version of a template; 0 is the current one.
func version(t api.Template, n uint32) (digest string, err error) {
	if n == 0 {
		return t.Digest, nil
	}
	for _, v := range t.Versions {
		if v.Version == n {
			return v.Digest, nil
		}
	}
	return "", fault.New(fault.NotFound, "the template %q has no version %d", t.ID, n)
}

// readSource reads what is kept under a digest.
func (p *Platform) readSource(ctx context.Context, digest string) ([]byte, error) {
	r, _, err := p.objects.Get(ctx, sourceKey(digest), 0)
	if err != nil {
		return nil, notMissing(err, "a template's source")
	}
	defer r.Close()
	source, err := io.ReadAll(io.LimitReader(r, message.MaxSource+1))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "a template's source cannot be read")
	}
	if message.Digest(source) != digest {
		return nil, fault.New(fault.Internal, "the template's source %s is damaged", digest)
	}
	return source, nil
}

// notMissing makes a missing object what it is when a document names it: not the caller's fault.
func notMissing(err error, what string) error {
	if fault.Is(err, fault.NotFound) {
		return fault.Wrap(fault.Internal, errors.New(err.Error()), "%s is missing", what)
	}
	return fmt.Errorf("reading %s: %w", what, err)
}

func (p *Platform) getSource(ctx context.Context, in *sourceInput) (*mailOutput, error) {
	r, err := p.template(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	d, err := version(r.Value, in.Version)
	if err != nil {
		return nil, err
	}
	source, err := p.readSource(ctx, d)
	if err != nil {
		return nil, err
	}
	return &mailOutput{ContentType: mediaMail, ETag: fmt.Sprintf("%q", d), Body: source}, nil
}

func (p *Platform) preview(ctx context.Context, in *previewInput) (*mailOutput, error) {
	r, err := p.template(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	d, err := version(r.Value, in.Body.Version)
	if err != nil {
		return nil, err
	}
	source, err := p.readSource(ctx, d)
	if err != nil {
		return nil, err
	}
	t, err := message.Compile(source)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, errors.New(err.Error()), "a template that was stored does not compile")
	}
	var f fault.Fields
	for _, v := range t.Variables() {
		if _, ok := in.Body.Variables[v.Name]; v.Required && !ok {
			f.Add("variables."+v.Name, "is needed: the template has no default for it (%s, line %d, column %d)", v.Where, v.Line, v.Column)
		}
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	user := in.Body.User
	if user == "" {
		user = "someone@example.org"
	}
	body, err := t.Render(in.Body.Variables, message.System{
		Placement: "preview", Campaign: "preview", User: user, Domain: p.cfg.Domain,
		Date: p.now().Truncate(time.Second),
	})
	if err != nil {
		return nil, err
	}
	return &mailOutput{ContentType: mediaMail, ETag: fmt.Sprintf("%q", d), Body: body}, nil
}
