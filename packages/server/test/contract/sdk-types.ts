/**
 * The types of the official SDK as the compiler reads them, as shapes that values can be held against while a test runs. Nothing is
 * written down a second time: another version of the SDK brings its own shapes.
 */
import { fileURLToPath } from 'node:url';
import { API, type Checker, SymbolFlags, type Type } from 'typescript/unstable/sync';

/** What a type allows. Types refer to each other without end, and so do their shapes. */
export type Shape =
  | { readonly kind: 'any' | 'string' | 'number' | 'boolean' | 'null' | 'never' }
  | { readonly kind: 'literal'; readonly value: unknown }
  | { readonly kind: 'array'; readonly element: Shape }
  | { readonly kind: 'union'; readonly options: readonly Shape[] }
  /** `rest`: what other properties hold; null where there are none. */
  | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, Field>; readonly rest: Shape | null };

/** A property of an object. */
export interface Field {
  readonly isOptional: boolean;
  readonly shape: Shape;
}

const folder = fileURLToPath(new URL('.', import.meta.url));
const configFile = `${folder}sdk-types.tsconfig.json`;
const sourceFile = `${folder}sdk-types-read.ts`;

/** Reads exported types of a module of the SDK. O(the types that they reach); the compiler has ended when it returns. */
export function readSdkTypes<Name extends string>(module: string, names: readonly Name[]): Record<Name, Shape> {
  // Neither file is on the disk: the compiler asks for them here.
  const compilerOptions = { strict: true, module: 'nodenext', skipLibCheck: true, types: ['node'], noEmit: true };
  const files: Readonly<Record<string, string>> = {
    [configFile]: JSON.stringify({ compilerOptions, files: [sourceFile] }),
    [sourceFile]: `export type { ${names.join(', ')} } from '${module}';`,
  };
  const api = new API({
    cwd: folder,
    fs: { readFile: (name) => files[name], fileExists: (name) => (Object.hasOwn(files, name) ? true : undefined) },
  });
  try {
    const project = api.updateSnapshot({ openProjects: [configFile] }).getProject(configFile);
    const source = project?.program.getSourceFile(sourceFile);
    const symbol = source && project?.checker.getSymbolAtLocation(source);
    if (!project || !symbol) throw new Error('The compiler does not read the SDK.');
    const { checker } = project;
    const exported = new Map(checker.getExportsOfModule(symbol).map((each) => [each.name, each]));
    const reader = new ShapeReader(checker);
    const shapes = names.map((name) => {
      const found = exported.get(name);
      if (!found) throw new Error(`The SDK has no type ${name}.`);
      return [name, reader.read(checker.getDeclaredTypeOfSymbol(checker.getAliasedSymbol(found)))] as const;
    });
    return Object.fromEntries(shapes) as Record<Name, Shape>;
  } finally {
    api.close();
  }
}

const plainKinds = ['string', 'number', 'boolean', 'null', 'never'] as const;

/** Reads each type once. A shape is known before what is in it is read: types may hold themselves. */
class ShapeReader {
  readonly #checker: Checker;
  readonly #known = new Map<number, Shape>();

  constructor(checker: Checker) {
    this.#checker = checker;
  }

  read(type: Type): Shape {
    const known = this.#known.get(type.id);
    if (known) return known;
    if (type.isErrorType()) throw new Error('A type of the SDK cannot be read.');
    if (type.isLiteralType()) return { kind: 'literal', value: type.value };
    if (type.isIntrinsicType()) return readIntrinsic(type.intrinsicName);
    // `string & {}` is how the SDK says that other strings than its own may come.
    const parts = type.isIntersectionType() ? type.getTypes().map((part) => this.read(part)) : [];
    const text = parts.find((part) => part.kind === 'string');
    if (text) return text;
    if (type.isUnionType()) {
      const options: Shape[] = [];
      this.#known.set(type.id, { kind: 'union', options });
      options.push(...type.getTypes().map((option) => this.read(option)));
      return { kind: 'union', options };
    }
    return type.isTypeReference() && this.#checker.isArrayType(type) ? this.#readArray(type) : this.#readObject(type);
  }

  #readArray(type: Parameters<Checker['getTypeArguments']>[0]): Shape {
    const [element] = this.#checker.getTypeArguments(type);
    if (!element) throw new Error('An array of the SDK has no element type.');
    const shape: { kind: 'array'; element: Shape } = { kind: 'array', element: { kind: 'any' } };
    this.#known.set(type.id, shape);
    shape.element = this.read(element);
    return shape;
  }

  #readObject(type: Type): Shape {
    const fields = new Map<string, Field>();
    const [index] = this.#checker.getIndexInfosOfType(type);
    const shape: { kind: 'object'; fields: Map<string, Field>; rest: Shape | null } = {
      kind: 'object',
      fields,
      rest: null,
    };
    this.#known.set(type.id, shape);
    const properties = this.#checker.getPropertiesOfType(type);
    for (const [at, propertyType] of this.#checker.getTypeOfSymbol(properties).entries()) {
      const property = properties[at];
      if (!property || !propertyType) throw new Error('A property of the SDK has no type.');
      const isOptional = (property.flags & SymbolFlags.Optional) !== 0;
      fields.set(property.name, { isOptional, shape: this.read(propertyType) });
    }
    if (index) shape.rest = this.read(index.valueType);
    return shape;
  }
}

function readIntrinsic(name: string): Shape {
  if (name === 'true' || name === 'false') return { kind: 'literal', value: name === 'true' };
  if (name === 'any' || name === 'unknown') return { kind: 'any' };
  // JSON has none: a property of this type is not there.
  const kind = name === 'undefined' ? 'never' : plainKinds.find((each) => each === name);
  if (kind === undefined) throw new Error(`The SDK uses the type ${name}.`);
  return { kind };
}
