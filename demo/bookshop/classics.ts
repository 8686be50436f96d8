import type { Book } from './book.js'

/** What a new shop has. */
export const classics: readonly Book[] = [
  {
    isbn: '9780262510875',
    title: 'Structure and Interpretation of Computer Programs',
    author: 'Harold Abelson, Gerald Jay Sussman',
    year: 1996,
  },
  {
    isbn: '9780131103627',
    title: 'The C Programming Language',
    author: 'Brian W. Kernighan, Dennis M. Ritchie',
    year: 1988,
  },
  {
    isbn: '9780201896831',
    title: 'The Art of Computer Programming, Volume 1',
    author: 'Donald E. Knuth',
    year: 1997,
  },
  { isbn: '9780201835953', title: 'The Mythical Man-Month', author: 'Frederick P. Brooks', year: 1995 },
  {
    isbn: '9780201633610',
    title: 'Design Patterns',
    author: 'Erich Gamma, Richard Helm, Ralph Johnson, John Vlissides',
    year: 1994,
  },
  { isbn: '9780321125217', title: 'Domain-Driven Design', author: 'Eric Evans', year: 2003 },
  { isbn: '9780596517748', title: 'JavaScript: The Good Parts', author: 'Douglas Crockford', year: 2008 },
  { isbn: '9781937785536', title: 'Programming Erlang', author: 'Joe Armstrong', year: 2013 },
  {
    isbn: '9781593274351',
    title: 'Learn You Some Erlang for Great Good!',
    author: 'Fred Hébert',
    year: 2013,
  },
  {
    isbn: '9780134190440',
    title: 'The Go Programming Language',
    author: 'Alan A. A. Donovan, Brian W. Kernighan',
    year: 2015,
  },
  {
    isbn: '9781449373320',
    title: 'Designing Data-Intensive Applications',
    author: 'Martin Kleppmann',
    year: 2017,
  },
  {
    isbn: '9780135957059',
    title: 'The Pragmatic Programmer',
    author: 'David Thomas, Andrew Hunt',
    year: 2019,
  },
]
