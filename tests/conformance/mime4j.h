#pragma once
// Runs a suite in the format of Apache James Mime4J: X.msg, its structure in X.xml, decoded bodies named by X_decoded.xml.

#include <map>
#include <string>

#include "suite.h"

namespace godwit::conformance {

// `exceptions`: by X, why (with the RFC clause) the case is judged otherwise here.
int run_mime4j(const std::string& name, const std::map<std::string, std::string>& exceptions, int argc, char** argv);

}  // namespace godwit::conformance
