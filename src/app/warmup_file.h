#pragma once
// The file with what new sources have sent today (docs/formats/warmup.md), so that a restart does not begin the day anew. Blocking, small.

#include <string>

#include "base/result.h"
#include "service/outbound/warmup.h"

namespace godwit::app {

// A missing file is none yet. One that makes no sense is logged, and counting begins with 0.
void load_warmup(const std::string& path, outbound::WarmupLedger& ledger);
// Whole or not at all.
Result<void> save_warmup(const std::string& path, const outbound::WarmupLedger& ledger);

}  // namespace godwit::app
