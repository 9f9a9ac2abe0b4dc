#pragma once
// libunbound's context, set up as we want it, and its answers as ours. Internal to dns; headers of libunbound stay in the .cc.

#include <memory>

#include "edge/dns/unbound_resolver.h"

struct ub_ctx;
struct ub_result;

namespace godwit::dns {

struct DeleteContext {
  void operator()(ub_ctx* context) const;  // ends libunbound's thread; no call-back comes any more
};
using UnboundContext = std::unique_ptr<ub_ctx, DeleteContext>;

// Finalised: nothing can be set any more, everything can be asked.
Result<UnboundContext> make_unbound_context(const ResolverOptions& options);

// Why nothing can be validated with this file, or nothing. Only looks whether it can be read.
std::string anchor_problem(const std::string& path);

Response to_response(const Question& question, const ub_result& result);

}  // namespace godwit::dns
