#pragma once
// sendmail -bs: the dialogue on standard input and output, to its end. Returns the exit code.

#include "app/sendmail/options.h"
#include "app/sendmail/settings.h"

namespace godwit::sendmail {

int run_smtp(const Options& options, const Settings& settings, unsigned group);

}  // namespace godwit::sendmail
