#pragma once
// [dsn]: the texts of reports and their languages, out of the configuration and the folder that it names (docs/operator/reports.md).
// Blocking (files); at start, at a reload and in `godwit config check`.

#include "app/config.h"

namespace godwit::app {

// Every error names the template's file and line.
void read_dsn(TomlTable& table, Config& config);

}  // namespace godwit::app
