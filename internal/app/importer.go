package app

import (
	"context"

	"inlay.example/inlay/internal/importer"
	"inlay.example/inlay/internal/middleware"
	"inlay.example/inlay/internal/object"
)

// sourceImporter is an importer as the middleware wants it: neither knows the other's types.
type sourceImporter struct{ *importer.Importer }

// importers makes importers that share their metrics.
func (a *App) importers() (func(middleware.ImportSource) (middleware.Importer, error), error) {
	metrics, err := importer.NewMetrics(a.registry)
	if err != nil {
		return nil, err
	}
	return func(s middleware.ImportSource) (middleware.Importer, error) {
		i, err := importer.New(importer.Config{ErrorRatio: s.ErrorRatio}, importer.Deps{
			Keyspace: s.Keyspace, Objects: s.Objects, NormaliseUser: s.NormaliseUser, Metrics: metrics,
			Log: a.log.With("role", "importer", "tenant", s.Tenant, "dataSource", s.DataSource),
		})
		if err != nil {
			return nil, err
		}
		return sourceImporter{i}, nil
	}, nil
}

// Start implements middleware.Importer.
func (i sourceImporter) Start(ctx context.Context, pushID, digest string, manifest object.Key) (middleware.ImportJob, error) {
	j, err := i.Importer.Start(ctx, pushID, digest, manifest)
	return middleware.ImportJob(j), err
}

// Job implements middleware.Importer.
func (i sourceImporter) Job(ctx context.Context, id string) (middleware.ImportJob, error) {
	j, err := i.Importer.Job(ctx, id)
	return middleware.ImportJob(j), err
}
