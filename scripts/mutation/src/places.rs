//! The places of a source file at which a mutant can be made, from its syntax tree.

use std::collections::BTreeMap;
use std::ops::Range;

use proc_macro2::LineColumn;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Block, Expr, Pat, ReturnType, Signature, Stmt, Type, UnOp};

/// What a mutant's text is made of: words, and parts of the source (which other mutants may change in turn).
#[derive(Clone, Debug)]
pub enum Piece {
    Text(String),
    Source(Range<usize>),
}

/// How a mutant changes its place.
#[derive(Clone, Debug)]
pub enum Change {
    /// An expression is another one.
    Expression(Vec<Piece>),
    /// A statement is not executed.
    Skipped,
    /// A function returns this at once. Its place is the beginning of the body.
    Returns(String),
    /// An arm of a match is never taken. Its place is the end of the pattern.
    NeverTaken,
}

/// A mutant.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// Relative to the repository.
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub function: String,
    pub operator: &'static str,
    pub original: String,
    pub mutated: String,
    /// Counts mutants that are the same in all of this.
    pub nth: usize,
    pub place: Range<usize>,
    pub change: Change,
}

impl Mutant {
    /// A name that does not depend on lines, so that it outlives changes elsewhere.
    pub fn name(&self) -> String {
        let nth = if self.nth == 0 { String::new() } else { format!(" #{}", self.nth + 1) };
        format!("{}{nth}", self.what())
    }

    /// The name that it may share with others.
    fn what(&self) -> String {
        let Mutant { file, function, operator, original, mutated, .. } = self;
        format!("{file} {function} {operator}: {original} → {mutated}")
    }
}

/// What a world is given, and how it is printed. A mutant there is another test and no other protocol.
const NO_PROTOCOL: [&str; 13] = [
    "fmt",
    "workload",
    "own_workload",
    "variants",
    "variants_with",
    "variants_of",
    "sizes",
    "phases",
    "network",
    "tolerance",
    "reaction_time",
    "updates",
    "concerned",
];

/// All mutants of a file.
pub fn mutants(file: &str, source: &str) -> syn::Result<Vec<Mutant>> {
    let tree = syn::parse_file(source)?;
    let mut places = Places { file, source, scope: Vec::new(), returns: Vec::new(), found: Vec::new() };
    places.visit_file(&tree);
    let mut found: Vec<Mutant> = places.found;
    let mut counts = BTreeMap::new();
    for mutant in &mut found {
        let count = counts.entry(mutant.what()).or_insert(0);
        mutant.nth = *count;
        *count += 1;
    }
    Ok(found)
}

struct Places<'a> {
    file: &'a str,
    source: &'a str,
    /// The modules, types and functions around.
    scope: Vec<String>,
    /// Whether functions and closures around return something.
    returns: Vec<bool>,
    found: Vec<Mutant>,
}

fn range(node: &impl Spanned) -> Range<usize> {
    node.span().byte_range()
}

impl Places<'_> {
    fn text(&self, node: &impl Spanned) -> String {
        self.between(range(node))
    }

    /// The text of a range, on one line.
    fn between(&self, range: Range<usize>) -> String {
        self.source[range].split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn add(&mut self, operator: &'static str, place: Range<usize>, start: LineColumn, mutated: &str, change: Change) {
        let short = |text: String| match text.char_indices().nth(110) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        };
        let original = short(self.between(place.clone()));
        let function = self.scope.join("::");
        let (file, mutated) = (self.file.to_string(), short(mutated.to_string()));
        let LineColumn { line, column } = start;
        let column = column + 1;
        self.found.push(Mutant { file, line, column, function, operator, original, mutated, nth: 0, place, change });
    }

    /// An expression is replaced by these pieces.
    fn instead(&mut self, operator: &'static str, expression: &Expr, pieces: Vec<Piece>) {
        let mutated: String = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Source(range) => self.between(range.clone()),
            })
            .collect();
        let start = expression.span().start();
        self.add(operator, range(expression), start, &mutated, Change::Expression(pieces));
    }

    /// A condition is always or never true.
    fn forced(&mut self, operator: &'static str, condition: &Expr, values: &[&str]) {
        if has_let(condition) || self.is_planted(condition) {
            return;
        }
        for value in values {
            self.instead(operator, condition, vec![Piece::Text((*value).to_string())]);
        }
    }

    /// Whether it asks for a planted bug: that is no part of the protocol.
    fn is_planted(&self, node: &impl Spanned) -> bool {
        self.text(node).contains("planted")
    }

    /// Whether a statement only makes a mark or a note, which is no part of the protocol.
    fn only_tells(&self, statement: &Stmt) -> bool {
        let text = self.text(statement);
        text.starts_with("ctx.mark(") || text.starts_with("ctx.note(")
    }

    /// Whether what this condition guards runs only with a planted bug.
    fn only_planted(&self, condition: &Expr) -> bool {
        let text = self.text(condition);
        let disjunction = matches!(condition, Expr::Binary(binary) if matches!(binary.op, BinOp::Or(_)));
        text.contains("planted(") && !text.contains("!ctx.planted(") && !disjunction
    }

    fn function(&mut self, signature: &Signature, block: &Block, attributes: &[syn::Attribute]) {
        let name = signature.ident.to_string();
        // What only a planted bug needs takes it as an argument, or says so.
        let said = attributes.iter().any(|attribute| self.text(attribute).contains(" bug"));
        let of_bug = said || self.text(&signature.inputs).contains("bug: ");
        let constant = signature.constness.is_some();
        if is_test(attributes) || constant || NO_PROTOCOL.contains(&name.as_str()) || of_bug {
            return;
        }
        self.scope.push(name);
        if !block.stmts.is_empty() && !self.text(block).contains("planted") {
            self.body(signature, block);
        }
        self.returns.push(true);
        visit::visit_block(self, block);
        self.returns.pop();
        self.scope.pop();
    }

    /// The body of a function is replaced.
    fn body(&mut self, signature: &Signature, block: &Block) {
        let values = match &signature.output {
            ReturnType::Default => vec![String::new()],
            ReturnType::Type(_, returned) => values_of(returned, &self.text(returned)),
        };
        let open = block.brace_token.span.open();
        for value in values {
            let returned = format!("return {value};").replace(" ;", ";");
            let shown = format!("{{ {returned} }}");
            self.add(
                "body replaced",
                open.byte_range().end..open.byte_range().end,
                open.start(),
                &shown,
                Change::Returns(value),
            );
            let last = self.found.last_mut().expect("one was added");
            last.original = "the body".into();
        }
    }
}

/// Values that a function could return instead of what it computes.
fn values_of(returned: &Type, text: &str) -> Vec<String> {
    let default = || vec!["Default::default()".to_string()];
    match returned {
        Type::Reference(_) | Type::ImplTrait(_) => Vec::new(),
        _ if text == "bool" => vec!["true".into(), "false".into()],
        _ if ["u8", "u16", "u32", "u64", "usize", "i64"].contains(&text) => vec!["0".into(), "1".into()],
        _ if text.starts_with("Option<") => vec!["None".into()],
        _ if text.starts_with("Result<()") => vec!["Ok(())".into()],
        _ => default(),
    }
}

fn has_let(condition: &Expr) -> bool {
    match condition {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("test"))
}

/// What an operator is mutated to.
fn instead_of(op: &BinOp) -> (&'static str, &'static [&'static str]) {
    match op {
        BinOp::Eq(_) => ("comparison", &["!="]),
        BinOp::Ne(_) => ("comparison", &["=="]),
        BinOp::Lt(_) => ("comparison", &["<=", ">="]),
        BinOp::Le(_) => ("comparison", &["<", ">"]),
        BinOp::Gt(_) => ("comparison", &[">=", "<="]),
        BinOp::Ge(_) => ("comparison", &[">", "<"]),
        BinOp::And(_) => ("connective", &["||"]),
        BinOp::Or(_) => ("connective", &["&&"]),
        BinOp::Add(_) => ("arithmetic", &["-"]),
        BinOp::Sub(_) => ("arithmetic", &["+"]),
        BinOp::Mul(_) => ("arithmetic", &["+"]),
        BinOp::Div(_) => ("arithmetic", &["*"]),
        BinOp::Rem(_) => ("arithmetic", &["/"]),
        BinOp::AddAssign(_) => ("arithmetic", &["-="]),
        BinOp::SubAssign(_) => ("arithmetic", &["+="]),
        BinOp::BitAnd(_) => ("arithmetic", &["|"]),
        BinOp::BitOr(_) => ("arithmetic", &["&"]),
        _ => ("", &[]),
    }
}

/// Methods that are easily taken for each other.
const CONFUSED: [(&str, &str); 12] = [
    ("min", "max"),
    ("max", "min"),
    ("any", "all"),
    ("all", "any"),
    ("is_some", "is_none"),
    ("is_none", "is_some"),
    ("is_some_and", "is_none_or"),
    ("is_none_or", "is_some_and"),
    ("first", "last"),
    ("last", "first"),
    ("is_ok", "is_err"),
    ("is_err", "is_ok"),
];

impl<'ast> Visit<'ast> for Places<'_> {
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_trait_item_const(&mut self, _: &'ast syn::TraitItemConst) {}
    fn visit_type(&mut self, _: &'ast Type) {}
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
    fn visit_item_enum(&mut self, _: &'ast syn::ItemEnum) {}

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if is_test(&item.attrs) {
            return;
        }
        let mut name = self.text(&item.self_ty);
        if let Some((path, _)) = &item.trait_ {
            name = format!("<{name} as {}>", self.text(path));
        }
        self.scope.push(name);
        visit::visit_item_impl(self, item);
        self.scope.pop();
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.function(&function.sig, &function.block, &function.attrs);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.function(&function.sig, &function.block, &function.attrs);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.function(&function.sig, block, &function.attrs);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if let Stmt::Expr(expression, Some(_)) = statement {
            let deletable = matches!(expression, Expr::MethodCall(_) | Expr::Call(_) | Expr::Assign(_))
                || matches!(expression, Expr::Binary(binary) if matches!(binary.op,
                    BinOp::AddAssign(_) | BinOp::SubAssign(_)));
            if deletable && !self.only_tells(statement) && !self.is_planted(expression) {
                self.add("statement deleted", range(statement), statement.span().start(), "(nothing)", Change::Skipped);
            }
        }
        visit::visit_stmt(self, statement);
    }

    fn visit_expr_if(&mut self, conditional: &'ast syn::ExprIf) {
        if conditional.else_branch.is_none() && conditional.then_branch.stmts.iter().all(|s| self.only_tells(s)) {
            return;
        }
        self.forced("condition forced", &conditional.cond, &["true", "false"]);
        self.visit_expr(&conditional.cond);
        if !self.only_planted(&conditional.cond) {
            self.visit_block(&conditional.then_branch);
        }
        if let Some((_, otherwise)) = &conditional.else_branch {
            self.visit_expr(otherwise);
        }
    }

    fn visit_expr_while(&mut self, repeated: &'ast syn::ExprWhile) {
        self.forced("condition forced", &repeated.cond, &["false"]);
        visit::visit_expr_while(self, repeated);
    }

    fn visit_expr_match(&mut self, choice: &'ast syn::ExprMatch) {
        self.visit_expr(&choice.expr);
        // Whether the last arm takes everything. (`None` is written like a name.)
        let open = choice.arms.last().is_some_and(|arm| match &arm.pat {
            Pat::Wild(_) => true,
            Pat::Ident(name) => !name.ident.to_string().starts_with(char::is_uppercase),
            _ => false,
        });
        let last = choice.arms.len().saturating_sub(1);
        for (number, arm) in choice.arms.iter().enumerate() {
            match &arm.pat {
                Pat::Guard(guarded) => {
                    self.forced("guard forced", &guarded.guard, &["true", "false"]);
                    self.visit_expr(&guarded.guard);
                    if self.only_planted(&guarded.guard) {
                        continue;
                    }
                }
                pattern if open && number < last && !self.is_planted(arm) => {
                    let place = range(pattern);
                    let start = pattern.span().start();
                    self.add("arm deleted", place.end..place.end, start, "(no arm)", Change::NeverTaken);
                    let text = self.between(place);
                    self.found.last_mut().expect("one was added").original = format!("{text} => …");
                }
                _ => {}
            }
            self.visit_expr(&arm.body);
        }
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        match expression {
            Expr::Binary(binary) if !has_let(expression) && !self.is_planted(expression) => {
                let (operator, others) = instead_of(&binary.op);
                for other in others {
                    let pieces = vec![
                        Piece::Source(range(&binary.left)),
                        Piece::Text(format!(" {other} ")),
                        Piece::Source(range(&binary.right)),
                    ];
                    self.instead(operator, expression, pieces);
                }
            }
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) && !self.is_planted(expression) => {
                self.instead("negation dropped", expression, vec![Piece::Source(range(&unary.expr))]);
            }
            Expr::MethodCall(call) if !self.is_planted(expression) => {
                let name = call.method.to_string();
                for (_, other) in CONFUSED.iter().filter(|(one, _)| *one == name) {
                    let (whole, method) = (range(expression), range(&call.method));
                    let pieces = vec![
                        Piece::Source(whole.start..method.start),
                        Piece::Text((*other).to_string()),
                        Piece::Source(method.end..whole.end),
                    ];
                    self.instead("method confused", expression, pieces);
                }
            }
            _ => {}
        }
        visit::visit_expr(self, expression);
    }
}
